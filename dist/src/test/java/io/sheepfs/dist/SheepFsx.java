package io.sheepfs.dist;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@link Exerciser} as a program, for scripts/sheepfsx.sh: it mounts what it exercises. */
@Command(
    name = "sheepfsx",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Exercises a file of a mount at random, and compares it with a model.")
final class SheepFsx implements Callable<Integer> {

  private static final int LOOK_OPERATIONS = 2000;

  @Option(names = "--operations", description = "How many, over all mounts (${DEFAULT-VALUE}).")
  private long operations = 100_000;

  @Option(names = "--seconds", description = "Ends earlier, after so long.")
  private long seconds = Long.MAX_VALUE;

  @Option(names = "--seed", description = "Repeats the choices (the time).")
  private long seed = System.currentTimeMillis() / 1000;

  @Option(names = "--size", description = "How large the file gets, MiB (${DEFAULT-VALUE}).")
  private int sizeMiB = 9;

  @Option(
      names = "--transport",
      split = ",",
      description = "direct, uring, jnr or auto; several take turns (${DEFAULT-VALUE}).")
  private List<String> transports = List.of("direct", "jnr");

  @Option(
      names = "--cache",
      description = "on: of a sheep on the network; off: an embedded store (both, in turns).")
  private @Nullable String cache;

  @Option(names = "--page-cache", description = "off, on or writeback (${DEFAULT-VALUE}).")
  private String pageCache = "on";

  @Option(names = "--remount", description = "Operations to one remount (${DEFAULT-VALUE}).")
  private int perRemount = 50_000;

  @Option(names = "--sync", description = "Operations to one fsync (${DEFAULT-VALUE}).")
  private int perSync = 1000;

  @Option(names = "--snapshot", description = "Operations to one snapshot (${DEFAULT-VALUE}).")
  private int perSnapshot = 5_000;

  @Parameters(paramLabel = "FOLDER", description = "Where to work; an empty one.")
  @SuppressWarnings("NullAway.Init") // by picocli
  private Path folder;

  @SuppressWarnings("NullAway.Init") // before each exercise
  private MountedStore mounted;

  private final PrintStream out = System.out;

  public static void main(String[] arguments) {
    CommandLine line = new CommandLine(new SheepFsx());
    line.setExecutionExceptionHandler(
        (e, command, parsed) -> {
          command.getErr().println(e.getMessage());
          return 1;
        });
    System.exit(line.execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    List<Boolean> caches = cache == null ? List.of(false, true) : List.of(cache.equals("on"));
    int parts = transports.size() * caches.size();
    long end = seconds == Long.MAX_VALUE ? seconds : TimeUnit.SECONDS.toMillis(seconds);
    int part = 0;
    for (String transport : transports) {
      for (boolean cached : caches) {
        exercise(transport, cached, operations / parts, end / parts, seed + part);
        part++;
      }
    }
    return 0;
  }

  private void exercise(String transport, boolean cached, long count, long millis, long ownSeed)
      throws Exception {
    String what = transport + (cached ? ", cached" : ", embedded store");
    out.println("sheepfsx: seed " + ownSeed + ", " + what);
    Path own = Files.createDirectory(folder.resolve(transport + (cached ? "-cache" : "")));
    if (cached) {
      try (SheepProcess sheep = new SheepProcess(own)) {
        exercise(
            own, () -> mount(own, transport, cachedOptions(own, sheep)), count, millis, ownSeed);
      }
    } else {
      List<String> store = List.of("--store", own.resolve("store").toString());
      exercise(own, () -> mount(own, transport, store), count, millis, ownSeed);
    }
  }

  private static List<String> cachedOptions(Path own, SheepProcess sheep) {
    return List.of(
        "-p",
        Integer.toString(sheep.port()),
        "--cache-free-space",
        "0",
        "--cache-dirty-age",
        "1",
        "--cache-dir",
        own.resolve("cache").toString());
  }

  private MountedStore mount(Path own, String transport, List<String> cluster)
      throws IOException, InterruptedException {
    List<String> options = new ArrayList<>(cluster);
    options.add("--pagecache");
    options.add(pageCache);
    return MountedStore.start(own, transport, options);
  }

  private void exercise(
      Path own, Callable<MountedStore> mount, long count, long millis, long ownSeed)
      throws Exception {
    Exerciser.Plan plan = new Exerciser.Plan(sizeMiB << 20, perSync, perSnapshot, perRemount);
    long start = System.nanoTime();
    mounted = mount.call();
    Exerciser.Remount remount =
        () -> {
          mounted.unmount();
          mounted = mount.call();
        };
    try {
      ResourceWatch watch = new ResourceWatch();
      try (Exerciser exerciser =
          new Exerciser(mounted.mountpoint(), "disk", remount, plan, ownSeed)) {
        long left = count;
        while (left > 0 && since(start) < millis) {
          long next = Math.min(left, LOOK_OPERATIONS);
          exerciser.run(next);
          left -= next;
          watch.look(mounted);
        }
        out.println("  " + exerciser.figures() + "; 0 wrong; " + since(start) / 1000 + " s");
      }
      mounted.unmount();
      out.println("  " + watch.figures());
      watch.check(own);
    } catch (Exception | Error e) {
      System.err.println("the mount logged:\n" + mounted.log()); // its folder is removed
      throw e;
    } finally {
      mounted.close();
    }
  }

  private static long since(long start) {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
  }
}
