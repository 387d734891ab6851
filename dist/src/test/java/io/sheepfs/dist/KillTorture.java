package io.sheepfs.dist;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * Rounds of {@code kill -9} under load, with the network stalled, broken or slow in half of them,
 * as a program: {@code KillTorture FOLDER ROUNDS SEED}. It prints its seed and its figures, and
 * leaves neither mounts nor processes when it fails or is told to end.
 */
final class KillTorture implements AutoCloseable {

  private static final int DISKS = 2;
  private static final int BLOCKS = 4096;

  /** After so many rounds the cluster is compared, past the cache. */
  private static final int ROUNDS_TO_COMPARISON = 10;

  private final Path folder;
  private final ServedFolder sheep;
  private final TroubledLink link;
  private final Random random;
  private final KillRounds rounds;
  private MountedStore mounted;

  private KillTorture(Path folder, long seed) throws IOException, InterruptedException {
    this.folder = folder;
    this.sheep = new ServedFolder(folder);
    this.link = new TroubledLink(sheep.port());
    this.random = new Random(seed);
    this.rounds = new KillRounds(DISKS, BLOCKS, seed);
    this.mounted = mount();
    for (Path disk : disks()) {
      Shell.check("truncate", "-s", Long.toString(BLOCKS * 4096L), disk.toString());
    }
  }

  private MountedStore mount() throws IOException, InterruptedException {
    return MountedStore.start(
        folder,
        "auto",
        List.of(
            "-p",
            Integer.toString(link.port()),
            "--cache-free-space",
            "0",
            "--cache-dirty-age",
            "1",
            "--cache-dir",
            folder.resolve("cache").toString()));
  }

  private List<Path> disks() {
    return List.of(mounted.volume("disk0"), mounted.volume("disk1"));
  }

  private void round(int number) throws IOException, InterruptedException {
    int kind = random.nextInt(6);
    int delayMillis = 1 + random.nextInt(20);
    rounds.writeUntilKilled(disks(), mounted, () -> trouble(kind, delayMillis));
    link.pass();
    mounted = mount();
    rounds.verify(disks());
    if (number % ROUNDS_TO_COMPARISON == 0) {
      mounted.unmount();
      for (int disk = 0; disk < DISKS; disk++) {
        rounds.verify(disk, sheep.read("disk" + disk));
      }
      mounted = mount();
    }
  }

  private void trouble(int kind, int delayMillis) {
    switch (kind) {
      case 0 -> link.stall();
      case 1 -> link.delay(delayMillis);
      case 2 -> link.reset();
      default -> {}
    }
  }

  @Override
  public void close() throws IOException {
    link.pass();
    try {
      mounted.close();
    } finally {
      link.close();
      sheep.close();
    }
  }

  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments.length != 3) {
      System.err.println("usage: KillTorture FOLDER ROUNDS SEED");
      System.exit(1);
    }
    int count = Integer.parseInt(arguments[1]);
    long seed = Long.parseLong(arguments[2]);
    PrintStream out = System.out;
    out.println("kill rounds: " + count + ", seed " + seed);
    long start = System.nanoTime();
    ResourceWatch watch = new ResourceWatch();
    try (KillTorture torture = new KillTorture(Path.of(arguments[0]), seed)) {
      Runtime.getRuntime().addShutdownHook(new Thread(torture::killMount, "torture-end"));
      for (int number = 1; number <= count; number++) {
        torture.round(number);
        watch.lookAtThis(); // the sheep is in it, and outlives all mounts
        if (number % ROUNDS_TO_COMPARISON == 0 || number == count) {
          long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
          out.println(
              "round "
                  + number
                  + ": "
                  + torture.rounds.writes()
                  + " blocks, "
                  + (torture.rounds.writtenBytes() >> 20)
                  + " MiB written; 0 lost, 0 foreign, 0 torn; "
                  + seconds
                  + " s");
        }
      }
      torture.mounted.unmount();
    }
    out.println(watch.figures());
    watch.check(Path.of(arguments[0]));
  }

  /** For a program that is told to end in the middle. */
  private void killMount() {
    try {
      mounted.close();
    } catch (IOException e) {
      System.err.println(e.getMessage());
    }
  }
}
