package io.sheepfs.store.server;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells systemd again and again that a service answers, if its unit has a {@code WatchdogSec}. A
 * service that hangs, and so is not asked with success, is killed and started again by systemd.
 */
public final class Watchdog {

  private static final Logger log = LoggerFactory.getLogger(Watchdog.class);

  /** So that one question that fails for a moment does not end a service. */
  private static final int QUESTIONS = 3;

  private final BooleanSupplier answers;
  private final Runnable ping;
  private boolean wasWell = true;

  Watchdog(BooleanSupplier answers, Runnable ping) {
    this.answers = answers;
    this.ping = ping;
  }

  /**
   * Begins to ask, in a thread of its own, if systemd wants to know.
   *
   * @param answers whether the service answers; may hang if that does
   */
  public static void start(BooleanSupplier answers) {
    Duration pause =
        pause(
            System.getenv("WATCHDOG_USEC"),
            System.getenv("WATCHDOG_PID"),
            ProcessHandle.current().pid());
    if (pause == null) {
      return;
    }
    // one that writes everything out before it ends answers nobody, and must not be cut off
    Watchdog watchdog =
        new Watchdog(
            () -> ServiceManager.isStopping() || answers.getAsBoolean(), ServiceManager::alive);
    Thread thread = new Thread(() -> watchdog.run(pause), "watchdog");
    thread.setDaemon(true);
    thread.start();
  }

  /** How long to wait between two questions; null if nobody wants to know, or not of us. */
  static @Nullable Duration pause(@Nullable String micros, @Nullable String pid, long self) {
    boolean ours = pid == null || pid.isEmpty() || pid.equals(Long.toString(self));
    if (micros == null || !micros.matches("[0-9]{1,18}") || !ours) {
      return null;
    }
    long millis = Long.parseLong(micros) / 1000 / QUESTIONS;
    return millis == 0 ? null : Duration.ofMillis(millis);
  }

  private void run(Duration pause) {
    try {
      while (true) {
        step();
        Thread.sleep(pause.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Asks once, and tells systemd of the answer if it was good. */
  void step() {
    boolean well;
    try {
      well = answers.getAsBoolean();
    } catch (RuntimeException e) {
      well = ServiceManager.isStopping(); // it may have begun to end while it was asked
      if (!well) {
        log.warn("the watchdog cannot ask", e);
      }
    }
    if (well) {
      ping.run();
    } else if (wasWell) {
      log.warn("no answer to the watchdog; systemd ends this process if that stays so");
    }
    wasWell = well;
  }
}
