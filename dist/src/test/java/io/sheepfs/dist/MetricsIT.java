package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the daemons tell of themselves, as a scraper and a monitor ask them. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class MetricsIT {

  private static final Pattern TOLD = Pattern.compile("metrics at (http://127.0.0.1:\\d+)/metrics");

  @TempDir private Path folder;

  private final HttpClient client = HttpClient.newHttpClient();
  private final Deque<AutoCloseable> cleanup = new ArrayDeque<>();

  @AfterEach
  void stop() throws Exception {
    while (!cleanup.isEmpty()) {
      cleanup.pop().close();
    }
  }

  private String ask(String log, String path) throws Exception {
    Matcher told = TOLD.matcher(log);
    assertTrue(told.find(), log);
    HttpRequest request = HttpRequest.newBuilder(URI.create(told.group(1) + path)).build();
    HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
    return answer.statusCode() + " " + answer.body();
  }

  private static int freePort() throws Exception {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  @Test
  void logInJson_withSlowRequests_isReadByAProgram() throws Exception {
    String port = Integer.toString(freePort());
    String store = folder.resolve("store").toString();
    Daemon sheep =
        Daemon.start(
            folder,
            "serving ",
            "sheep",
            "-f",
            "-p",
            port,
            "--log-format",
            "json",
            "--slow-request",
            "1",
            "--metrics",
            "0",
            store);
    cleanup.push(sheep);
    // the first request of a process, which writes and forces files: longer than a millisecond
    String dog = MountedStore.ROOT.resolve("bin/dog").toString();
    Shell.check(dog, "cluster", "format", "-c", "1", "-p", port);
    Shell.check(dog, "vdi", "create", "<b>disk", "64M", "-p", port);
    Path log = Files.writeString(folder.resolve("lines"), sheep.log());
    String messages =
        Shell.check(
            "python3",
            "-c",
            "import json, sys\nfor line in open(sys.argv[1]): print(json.loads(line)['message'])",
            log.toString());
    assertTrue(messages.contains("slow: MAKE_FS["), messages);
    assertTrue(messages.contains("store flush"), messages);
    String page = ask(sheep.log(), "/");
    assertTrue(page.startsWith("200 <!DOCTYPE html>"), page);
    assertTrue(page.contains("<td>&lt;b&gt;disk</td>"), page);
    assertTrue(page.contains("<td>64.0 MiB</td>"), page);
    assertTrue(page.contains("this node"), page);
  }

  @Test
  void sheepMountAndNbdServer_tellWhatTheyDoAndHowTheyAre() throws Exception {
    String port = Integer.toString(freePort());
    String store = folder.resolve("store").toString();
    Daemon sheep =
        Daemon.start(folder, " serving ", "sheep", "-f", "-p", port, "--metrics", "0", store);
    cleanup.push(sheep);
    assertTrue(ask(sheep.log(), "/health").startsWith("503 "), "not formatted");
    String dog = MountedStore.ROOT.resolve("bin/dog").toString();
    Shell.check(dog, "cluster", "format", "-c", "1", "-p", port);
    assertEquals("200 Success\n", ask(sheep.log(), "/health"));

    Path mountpoint = Files.createDirectory(folder.resolve("mnt"));
    Daemon mount =
        Daemon.start(
            folder,
            " mounted at ",
            "sheepfs",
            "-f",
            "-p",
            port,
            "--cache-dir",
            folder.resolve("cache").toString(),
            "-o",
            "metrics=127.0.0.1:0",
            mountpoint.toString());
    cleanup.push(mount);
    cleanup.push(() -> Shell.run("umount", "-l", mountpoint.toString()));
    Files.write(mountpoint.resolve("volume/disk"), new byte[100_000]);
    String metrics = ask(mount.log(), "/metrics");
    for (String layer : new String[] {"fuse", "cache", "client"}) {
      assertTrue(metrics.contains("_seconds_count{layer=\"" + layer + "\""), metrics);
    }
    assertTrue(metrics.contains("sheepfs_written_bytes_total 100000.0"), metrics);
    assertTrue(metrics.contains("sheepfs_cache_valid_bytes "), metrics);
    assertTrue(ask(mount.log(), "/health").startsWith("200 Success, answered in "));
    String served = ask(sheep.log(), "/metrics");
    assertTrue(served.contains("layer=\"store\",operation=\"flush\""), served);

    Daemon nbd =
        Daemon.start(
            folder,
            " serving ",
            "sbd",
            "serve",
            "-f",
            "-p",
            port,
            "--unix",
            folder.resolve("nbd.sock").toString(),
            "--metrics",
            "0");
    cleanup.push(nbd);
    assertTrue(ask(nbd.log(), "/metrics").contains("sheepfs_nbd_connections 0.0"));
    assertTrue(ask(nbd.log(), "/health").startsWith("200 "));
    sheep.kill();
    assertTrue(ask(nbd.log(), "/health").startsWith("503 no answer"));
    assertTrue(ask(mount.log(), "/health").startsWith("503 no answer"));
  }
}
