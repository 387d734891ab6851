package io.sheepfs.dog;

import java.util.Locale;

/** A line on the terminal that tells how far long work has come. Silent without a terminal. */
final class Progress implements AutoCloseable {

  private static final long SILENT_NANOS = 1_000_000_000L;
  private static final long STEP_NANOS = 200_000_000L;

  private final Session session;
  private final String what;
  private final long totalBytes;
  private final long start = System.nanoTime();
  private long shown = start + SILENT_NANOS - STEP_NANOS;
  private long doneBytes;
  private boolean visible;

  /**
   * Nothing is shown in the first second.
   *
   * @param totalBytes 0 if nobody knows
   */
  Progress(Session session, String what, long totalBytes) {
    this.session = session;
    this.what = what;
    this.totalBytes = totalBytes;
  }

  /** So much more is done. */
  void advance(long bytes) {
    doneBytes += bytes;
    long now = System.nanoTime();
    if (session.environment().errIsTerminal() && now - shown >= STEP_NANOS) {
      shown = now;
      show(now);
    }
  }

  private void show(long now) {
    visible = true;
    double seconds = (now - start) / 1e9;
    long done = totalBytes > 0 ? Math.min(doneBytes, totalBytes) : doneBytes;
    double rate = done / seconds;
    String line =
        totalBytes > 0 && done > 0
            ? String.format(
                Locale.ROOT,
                "%3d%%  %s of %s  %s/s  %d s left",
                done * 100 / totalBytes,
                ByteSize.human(done),
                ByteSize.human(totalBytes),
                ByteSize.human((long) rate),
                (long) ((totalBytes - done) / rate))
            : String.format(
                Locale.ROOT, "%s  %s/s", ByteSize.human(done), ByteSize.human((long) rate));
    session.err().print("\r" + what + "  " + line + "\u001b[K");
    session.err().flush();
  }

  /** Removes the line. */
  @Override
  public void close() {
    if (visible) {
      session.err().print("\r\u001b[K");
      session.err().flush();
    }
  }
}
