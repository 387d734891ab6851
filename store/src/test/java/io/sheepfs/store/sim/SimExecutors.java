package io.sheepfs.store.sim;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.RunnableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The pools of a simulation: what {@link Executors} makes elsewhere, under the same names. */
public final class SimExecutors {

  private SimExecutors() {}

  /** As many threads as there is work. */
  public static ExecutorService newCachedThreadPool(ThreadFactory named) {
    return new Pool(Integer.MAX_VALUE);
  }

  /** So many threads. */
  public static ExecutorService newFixedThreadPool(int threads, ThreadFactory named) {
    return new Pool(threads);
  }

  /** One thread. */
  public static ExecutorService newSingleThreadExecutor(ThreadFactory named) {
    return new Pool(1);
  }

  /** One thread, for what is done again and again. */
  public static ScheduledExecutorService newSingleThreadScheduledExecutor(ThreadFactory named) {
    return new Timer();
  }

  /** What a pool is asked for. */
  private static final class Job<T> implements RunnableFuture<T> {
    private final Callable<T> work;
    private final List<Sim.Task> waiting = new ArrayList<>();
    private @Nullable T result;
    private @Nullable Throwable failure;
    private boolean done;

    Job(Callable<T> work) {
      this.work = work;
    }

    @Override
    public void run() {
      try {
        result = work.call();
      } catch (Sim.Killed e) {
        throw e;
      } catch (Throwable e) {
        failure = e;
      }
      done = true;
      waiting.forEach(Sim::wake);
    }

    @Override
    @SuppressWarnings("NullAway") // null is a result like others
    public T get() throws InterruptedException, ExecutionException {
      Sim.point();
      while (!done) {
        Sim.checkInterrupt();
        waiting.add(Sim.running());
        Sim.blockUntil(Long.MAX_VALUE);
      }
      if (failure != null) {
        throw new ExecutionException(failure);
      }
      return result;
    }

    @Override
    public T get(long time, TimeUnit unit) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean cancel(boolean interrupt) {
      return false;
    }

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public boolean isDone() {
      return done;
    }
  }

  private static final class Pool extends AbstractExecutorService {
    private final Sim.Host host = Sim.host();
    private final int threads;
    private final Deque<Runnable> queue = new ArrayDeque<>();
    private int busy;
    private boolean shut;

    Pool(int threads) {
      this.threads = threads;
    }

    @Override
    protected <T> RunnableFuture<T> newTaskFor(Callable<T> work) {
      return new Job<>(work);
    }

    @Override
    protected <T> RunnableFuture<T> newTaskFor(Runnable work, T result) {
      return new Job<>(Executors.callable(work, result));
    }

    @Override
    public void execute(Runnable work) {
      if (shut) {
        throw new RejectedExecutionException("shut down");
      }
      if (busy == threads) {
        queue.add(work);
        return;
      }
      busy++;
      Sim.spawn(
          host,
          "pool",
          () -> {
            for (Runnable next = work; next != null; next = queue.poll()) {
              next.run();
            }
            busy--;
          });
    }

    @Override
    public void shutdown() {
      shut = true;
    }

    @Override
    public List<Runnable> shutdownNow() {
      shut = true;
      List<Runnable> left = List.copyOf(queue);
      queue.clear();
      return left;
    }

    @Override
    public boolean isShutdown() {
      return shut;
    }

    @Override
    public boolean isTerminated() {
      return shut && busy == 0;
    }

    @Override
    public boolean awaitTermination(long time, TimeUnit unit) {
      throw new UnsupportedOperationException();
    }
  }

  /** Does things with pauses between. */
  private static final class Timer extends AbstractExecutorService
      implements ScheduledExecutorService {
    private final Sim.Host host = Sim.host();
    private boolean shut;

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(
        Runnable work, long first, long pause, TimeUnit unit) {
      Sim.spawn(
          host,
          "timer",
          () -> {
            Sim.sleep(Duration.ofNanos(unit.toNanos(first)));
            while (!shut) {
              work.run();
              Sim.sleep(Duration.ofNanos(unit.toNanos(pause)));
            }
          });
      return new Repeated();
    }

    @Override
    public void execute(Runnable work) {
      throw new UnsupportedOperationException();
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable work, long pause, TimeUnit unit) {
      throw new UnsupportedOperationException();
    }

    @Override
    public <V> ScheduledFuture<V> schedule(Callable<V> work, long pause, TimeUnit unit) {
      throw new UnsupportedOperationException();
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(
        Runnable work, long first, long period, TimeUnit unit) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void shutdown() {
      shut = true;
    }

    @Override
    public List<Runnable> shutdownNow() {
      shut = true;
      return List.of();
    }

    @Override
    public boolean isShutdown() {
      return shut;
    }

    @Override
    public boolean isTerminated() {
      return shut;
    }

    @Override
    public boolean awaitTermination(long time, TimeUnit unit) {
      return shut;
    }
  }

  /** Of something that is repeated nobody asks for the result. */
  private static final class Repeated implements ScheduledFuture<Object> {
    @Override
    public long getDelay(TimeUnit unit) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int compareTo(Delayed other) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean cancel(boolean interrupt) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public boolean isDone() {
      return false;
    }

    @Override
    public Object get() {
      throw new UnsupportedOperationException();
    }

    @Override
    public Object get(long time, TimeUnit unit) {
      throw new UnsupportedOperationException();
    }
  }
}
