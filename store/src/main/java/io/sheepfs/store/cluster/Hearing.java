package io.sheepfs.store.cluster;

/**
 * Whether one node still answers, counted in ticks of which a session has six.
 *
 * <p>Ticks are counted and not time: a process that stood still hears nobody, and must not take
 * that for the silence of all others. It takes longer to be heard again than to fall silent, so
 * that a network that comes and goes does not change the epoch each time.
 *
 * <p>Not safe for several threads.
 */
final class Hearing {

  /** How many ticks a session has. */
  static final int TICKS_PER_SESSION = 6;

  private static final int SILENT_TICKS = 4;
  private static final int HEARD_TICKS = 6;

  private int ticksWithout;
  private int ticksWith;
  private boolean answered = true;
  private boolean silent;

  /** The node has answered. */
  void answered() {
    answered = true;
  }

  /** Another sixth of a session is over. */
  void tick() {
    if (answered) {
      ticksWithout = 0;
      ticksWith++;
    } else {
      ticksWithout++;
      if (ticksWithout > 1) { // one that is a little late is no silence
        ticksWith = 0;
      }
    }
    answered = false;
    if (ticksWithout >= SILENT_TICKS) {
      silent = true;
    } else if (ticksWith >= HEARD_TICKS) {
      silent = false;
    }
  }

  boolean isSilent() {
    return silent;
  }
}
