package io.sheepfs.fuse;

import io.sheepfs.fuse.control.ControlClient;
import io.sheepfs.fuse.control.MountTable;
import io.sheepfs.telemetry.HtmlPage;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sheepfs top}: what each mount does, again and again on a terminal. */
@Command(
    name = "sheepfs top",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true,
    description =
        "Shows what each mount of this machine does: on a terminal again every other second until it"
            + " is interrupted, elsewhere once.",
    footer = {"", "Exit codes: 0 shown, 1 wrong usage, 2 a mount does not answer."})
final class TopCommand implements Callable<Integer> {

  private static final String HOME_AND_CLEAR = "\033[H\033[2J";
  private static final String ROW = "%-28s %10s %10s %8s %8s %9s %9s %7s %9s%n";

  private final PrintStream out;
  private final boolean terminal;

  private int delaySeconds = 2;
  private @Nullable Integer times;

  @Spec private @Nullable CommandSpec spec;

  /** What was last seen of each mount, and when. */
  private final Map<Path, Numbers> last = new HashMap<>();

  TopCommand(PrintStream out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  @Option(
      names = {"-d", "--delay"},
      paramLabel = "SECONDS",
      defaultValue = "2",
      description = "Between two looks (default: ${DEFAULT-VALUE}).")
  void delay(int seconds) {
    delaySeconds = positive("delay", seconds);
  }

  @Option(
      names = {"-n", "--times"},
      paramLabel = "N",
      description = "End after so many looks.")
  void times(int number) {
    times = positive("times", number);
  }

  private int positive(String option, int value) {
    if (value < 1) {
      throw new ParameterException(
          Objects.requireNonNull(spec).commandLine(), option + " has to be 1 or more: " + value);
    }
    return value;
  }

  /** The metrics of a mount at one time. */
  record Numbers(long nanos, Map<String, Double> values) {

    /** Reads the text format of Prometheus, without what has labels. */
    static Numbers parse(long nanos, Iterable<String> lines) {
      Map<String, Double> values = new HashMap<>();
      for (String line : lines) {
        int space = line.lastIndexOf(' ');
        if (line.startsWith("sheepfs_") && !line.contains("{") && space > 0) {
          values.put(line.substring(0, space), Double.parseDouble(line.substring(space + 1)));
        }
      }
      return new Numbers(nanos, values);
    }

    double get(String name) {
      return values.getOrDefault("sheepfs_" + name, 0.0);
    }

    /** How much a number grew in a second since another look; since the start without one. */
    double rate(String name, @Nullable Numbers before) {
      double seconds =
          before == null
              ? Math.max(1, System.currentTimeMillis() / 1e3 - get("process_start_time_seconds"))
              : (nanos - before.nanos) / 1e9;
      return (get(name) - (before == null ? 0 : before.get(name))) / Math.max(seconds, 1e-3);
    }

    /** Which share of the reads the cache answered; "-" if there were none. */
    String hits(@Nullable Numbers before) {
      double hits = rate("cache_hits_total", before);
      double all = hits + rate("cache_misses_total", before);
      return all == 0 ? "-" : String.format(Locale.ROOT, "%.0f %%", 100 * hits / all);
    }
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    int looks = times != null ? times : terminal ? Integer.MAX_VALUE : 1;
    int worst = AdminCommand.EXIT_OK;
    for (int look = 0; look < looks; look++) {
      if (look > 0) {
        TimeUnit.SECONDS.sleep(delaySeconds);
      }
      worst = look();
      if (out.checkError()) {
        return worst;
      }
    }
    return worst;
  }

  private int look() throws IOException {
    int worst = AdminCommand.EXIT_OK;
    if (terminal) {
      out.print(HOME_AND_CLEAR);
    }
    out.printf(
        ROW,
        "MOUNT",
        "READ/s",
        "WRITE/s",
        "reads/s",
        "writes/s",
        "cached",
        "dirty",
        "hits",
        "failures");
    for (MountTable.Entry mount : MountTable.read()) {
      if (mount.type().equals(MountTable.TYPE)) {
        worst = Math.max(worst, show(mount));
      }
    }
    out.flush();
    return worst;
  }

  private int show(MountTable.Entry mount) {
    Path mountpoint = mount.mountpoint();
    Numbers now;
    try (ControlClient client = ControlClient.ask(mount, "metrics")) {
      List<String> lines = new ArrayList<>();
      for (String line = client.line(); line != null; line = client.line()) {
        lines.add(line);
      }
      now = Numbers.parse(System.nanoTime(), lines);
      if (now.values().isEmpty()) {
        throw new IOException("it is of an earlier version");
      }
    } catch (IOException | NumberFormatException e) {
      out.printf("%-28s does not answer: %s%n", mountpoint, e.getMessage());
      return AdminCommand.EXIT_SYSTEM;
    }
    Numbers before = last.put(mountpoint, now);
    out.printf(
        ROW,
        mountpoint,
        HtmlPage.bytes((long) now.rate("read_bytes_total", before)),
        HtmlPage.bytes((long) now.rate("written_bytes_total", before)),
        String.format(Locale.ROOT, "%.0f", now.rate("reads_total", before)),
        String.format(Locale.ROOT, "%.0f", now.rate("writes_total", before)),
        HtmlPage.bytes((long) now.get("cache_valid_bytes")),
        HtmlPage.bytes((long) now.get("cache_dirty_bytes")),
        now.hits(before),
        String.format(Locale.ROOT, "%.0f", now.get("failures_total")));
    return AdminCommand.EXIT_OK;
  }
}
