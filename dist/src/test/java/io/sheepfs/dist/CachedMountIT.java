package io.sheepfs.dist;

import java.nio.file.Path;
import java.util.List;

/** The mount of a sheep on the network, with the object cache. */
class CachedMountIT extends MountContract {

  @SuppressWarnings("NullAway.Init") // made before each test
  private SheepProcess sheep;

  CachedMountIT() {
    super("direct");
  }

  @Override
  void startCluster(Path folder) throws Exception {
    sheep = new SheepProcess(folder);
  }

  @Override
  void stopCluster() throws Exception {
    sheep.close();
  }

  @Override
  List<String> cluster(Path folder) {
    return List.of(
        "-p",
        Integer.toString(sheep.port()),
        "--cache-mode",
        "writeback",
        "--cache-free-space",
        "0",
        "--cache-dir",
        folder.resolve("cache").toString());
  }

  @Override
  String source(Path folder) {
    return "127.0.0.1:" + sheep.port();
  }

  @Override
  long exercises() {
    return 14_000;
  }

  @Override
  int killRounds() {
    return Integer.getInteger("sheepfs.kill.rounds", 6);
  }
}
