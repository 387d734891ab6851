package io.sheepfs.telemetry;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Asks a cluster how it does, which may be away. Safe for any number of threads. */
public final class ClusterHealth {

  private static final int ANSWER_SECONDS = 3;

  private final Callable<Health> question;

  /**
   * A way to ask.
   *
   * @param question may block for a long time
   */
  public ClusterHealth(Callable<Health> question) {
    this.question = question;
  }

  /** What it answers, and how long that took; it has three seconds. */
  public Health ask() {
    long begin = System.nanoTime();
    FutureTask<Health> asked = new FutureTask<>(question);
    Thread asker = new Thread(asked, "health-ask");
    asker.setDaemon(true);
    asker.start();
    try {
      Health health = asked.get(ANSWER_SECONDS, TimeUnit.SECONDS);
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
      return new Health(health.well(), health.text() + ", answered in " + millis + " ms");
    } catch (TimeoutException e) {
      return new Health(false, "no answer for " + ANSWER_SECONDS + " s");
    } catch (ExecutionException e) {
      return new Health(false, "no answer: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Health(false, "not asked");
    }
  }
}
