package io.sheepfs.dog;

import java.util.Locale;

/** A line on the terminal that tells how far long work has come. Silent without a terminal. */
final class Progress implements AutoCloseable {

  private static final long SILENT_NANOS = 1_000_000_000L;
  private static final long STEP_NANOS = 200_000_000L;
  private static final int BAR_WIDTH = 20;
  private static final int MOST_CHARACTERS = 24;

  /** What is counted. */
  enum Unit {
    BYTES,
    OBJECTS
  }

  private final Session session;
  private final String what;
  private final Unit unit;
  private final long start = System.nanoTime();
  private long shown = start + SILENT_NANOS - STEP_NANOS;
  private long total;
  private long done;
  private boolean visible;

  /**
   * Nothing is shown in the first second.
   *
   * @param totalBytes 0 if nobody knows
   */
  Progress(Session session, String what, long totalBytes) {
    this(session, what, totalBytes, Unit.BYTES);
  }

  Progress(Session session, String what, long total, Unit unit) {
    this.session = session;
    this.what = shortened(what);
    this.total = total;
    this.unit = unit;
  }

  /** As much of a name as leaves the line on one line, without what a terminal would obey. */
  static String shortened(String what) {
    int[] shown = what.codePoints().map(c -> Character.isISOControl(c) ? '?' : c).toArray();
    return shown.length <= MOST_CHARACTERS
        ? new String(shown, 0, shown.length)
        : new String(shown, 0, MOST_CHARACTERS - 3) + "...";
  }

  /** So much more is done. Safe for any number of threads. */
  synchronized void advance(long more) {
    reach(done + more, total);
  }

  /** So much is done in all, and this is the total now. */
  synchronized void reach(long nowDone, long nowTotal) {
    done = nowDone;
    total = nowTotal;
    long now = System.nanoTime();
    if (session.environment().errIsTerminal() && now - shown >= STEP_NANOS) {
      shown = now;
      visible = true;
      session.err().print("\r" + line(what, unit, done, total, (now - start) / 1e9) + "\u001b[K");
      session.err().flush();
    }
  }

  /** The line after some time of work. */
  static String line(String what, Unit unit, long done, long total, double seconds) {
    double rate = done / seconds;
    String speed = text(unit, (long) rate) + "/s";
    if (total <= 0 || done <= 0) {
      return what + "  " + text(unit, done) + "  " + speed;
    }
    long part = Math.min(done, total);
    int filled = (int) (BAR_WIDTH * part / total);
    return String.format(
        Locale.ROOT,
        "%s  [%s%s] %3d%%  %s of %s  %s  %s left",
        what,
        "=".repeat(filled),
        " ".repeat(BAR_WIDTH - filled),
        part * 100 / total,
        text(unit, part),
        text(unit, total),
        speed,
        time((long) ((total - part) / rate)));
  }

  private static String text(Unit unit, long count) {
    return unit == Unit.BYTES ? ByteSize.human(count) : count + " objects";
  }

  private static String time(long seconds) {
    return seconds < 3600
        ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
        : String.format(
            Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }

  /** Removes the line. */
  @Override
  public synchronized void close() {
    if (visible) {
      session.err().print("\r\u001b[K");
      session.err().flush();
    }
  }
}
