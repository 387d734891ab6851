package io.sheepfs.store.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.curator.test.TestingServer;

/**
 * A ZooKeeper in this process that leaves nothing behind. The library makes a file with its
 * configuration at each start, and never removes it.
 */
final class TestZooKeeper extends TestingServer {

  private static final String CONFIGURATIONS = "zookeeper.configuration*.properties";

  /** Starts it. */
  TestZooKeeper() throws Exception {
    super(true);
  }

  @Override
  public void close() throws IOException {
    super.close();
    Path folder = Path.of(System.getProperty("java.io.tmpdir"));
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, CONFIGURATIONS)) {
      for (Path file : files) {
        if (getTempDirectory().getPath().equals(dataFolder(file))) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  private static String dataFolder(Path configuration) throws IOException {
    Properties properties = new Properties();
    try (InputStream in = Files.newInputStream(configuration)) {
      properties.load(in);
    } catch (NoSuchFileException e) {
      return ""; // that of another test, which has ended
    }
    return properties.getProperty("dataDir", "");
  }
}
