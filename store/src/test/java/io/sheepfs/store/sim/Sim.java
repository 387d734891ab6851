package io.sheepfs.store.sim;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The scheduler of a simulation. Every thread of the simulated programs is a real thread, but only
 * one of them runs at a time. It runs until it waits, or comes to a place where the seed says that
 * it is another's turn: a call of the network, the disk or the agreement, or a lock. Time passes
 * only when all wait. So a seed decides everything.
 *
 * <p>Between two such places a thread is never interrupted: what goes wrong only there is not
 * found.
 *
 * <p>Several simulations can be under way, each with threads of its own; the static methods are
 * about that of the thread that calls. Production code that kept something in a static field would
 * mix them up, and {@code ClusterSimTest} would see that a seed is not the same again.
 */
public final class Sim {

  private static final Instant BEGINNING = Instant.ofEpochSecond(1_700_000_000);
  private static final int TRACE_LINES = 4_000;

  private static final ThreadLocal<@Nullable Sim> CURRENT = new ThreadLocal<>();

  /** Threads that have nothing to do now, kept for whoever needs one. */
  private static final Deque<Heavy> IDLE = new ConcurrentLinkedDeque<>();

  private final SplittableRandom random;
  private final EventQueue<Event> queue = new EventQueue<>();
  private final IdentityHashMap<Object, Monitor> monitors = new IdentityHashMap<>();
  private final Deque<Line> trace = new ArrayDeque<>();
  private final Host outside = new Host("outside");
  private final Task kernel = new Task(outside, "kernel", () -> {});
  private long now;
  private int made;
  private long events;
  private long digest;

  private Task running;
  private @Nullable Throwable failure;

  /** Ends a thread whose process was killed. */
  static final class Killed extends Error {
    private static final long serialVersionUID = 1;

    Killed() {
      super("killed", null, false, false);
    }
  }

  /** A process: its threads die and stand still together. */
  public static final class Host {
    private final String name;
    private final List<Task> tasks = new ArrayList<>();
    private boolean dead;
    private long frozenUntil;

    /** A process that runs. */
    public Host(String name) {
      this.name = name;
    }

    /** Whether it was killed. */
    public boolean isDead() {
      return dead;
    }

    /** Whether it stands still. */
    public boolean isFrozen() {
      return frozenUntil > sim().now;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** Something that happens at a time: a thread goes on, or an action. */
  private static final class Event {
    private final long at;
    private final @Nullable Task task;
    private final @Nullable Runnable action;
    private boolean cancelled;

    Event(long at, @Nullable Task task, @Nullable Runnable action) {
      this.at = at;
      this.task = task;
      this.action = action;
    }
  }

  /** A simulated thread. */
  public static final class Task {
    final Host host;
    final String name;
    private final Runnable body;
    private final List<Task> joining = new ArrayList<>();
    private @Nullable Carrier carrier;
    private @Nullable Event wake;
    private boolean killed;
    private boolean interrupted;
    private boolean done;

    Task(Host host, String name, Runnable body) {
      this.host = host;
      this.name = name;
      this.body = body;
    }

    @Override
    public String toString() {
      return host + "/" + name;
    }
  }

  /** What a simulated thread runs on. */
  private sealed interface Carrier {
    /** Where it waits. */
    StackTraceElement[] stack();
  }

  /** Ends when the simulated thread does. */
  private record Light(Coroutine coroutine) implements Carrier {
    @Override
    public StackTraceElement[] stack() {
      return coroutine.isDone() ? new StackTraceElement[0] : coroutine.stack();
    }
  }

  /** A real thread, which runs one simulated thread after the other. */
  private static final class Heavy implements Carrier {
    private final Thread thread;
    private volatile boolean turn;
    private volatile @Nullable Task task;
    private volatile @Nullable Sim sim;

    Heavy(Thread thread) {
      this.thread = thread;
    }

    @Override
    public StackTraceElement[] stack() {
      return thread.getStackTrace();
    }

    void go() {
      turn = true;
      LockSupport.unpark(thread);
    }

    void awaitTurn() {
      while (!turn) {
        LockSupport.park(this);
      }
      turn = false;
    }
  }

  /** What a synchronized method or block takes. */
  private static final class Monitor {
    private @Nullable Task owner;
    private int holds;
    private final List<Task> entering = new ArrayList<>();
    private final List<Task> waiting = new ArrayList<>();
  }

  private record Line(long at, Host host, String text) {
    @Override
    public String toString() {
      return String.format("%9.4f %-8s %s", at / 1e9, host, text);
    }
  }

  private Sim(long seed) {
    this.random = new SplittableRandom(seed);
    this.running = kernel;
  }

  static Sim sim() {
    Sim now = CURRENT.get();
    if (now == null) {
      throw new IllegalStateException("no simulation is under way");
    }
    return now;
  }

  /**
   * Runs a simulation in this thread until {@code main} returns; what is left of it dies then.
   *
   * @return a number that is the same whenever the same happened
   * @throws Failed with what {@code main} threw, and the end of the trace
   */
  public static long run(long seed, Runnable main) {
    Sim sim = new Sim(seed);
    CURRENT.set(sim);
    Host host = new Host("main");
    Task task = new Task(host, "main", main);
    host.tasks.add(task);
    sim.running = task;
    if (Coroutine.isAvailable()) {
      sim.takeTurns(task);
    } else {
      task.carrier = new Heavy(Thread.currentThread());
      sim.play(task);
    }
    Throwable failure = sim.failure;
    if (failure != null) {
      throw new Failed(seed, failure, sim.trace.stream().map(Line::toString).toList());
    }
    CURRENT.remove();
    return sim.digest * 31 + sim.events;
  }

  /** From its beginning to the end of all. */
  private void play(Task main) {
    Throwable thrown = null;
    try {
      main.body.run();
    } catch (Throwable e) {
      thrown = e;
      traceThreads();
    }
    try {
      end();
    } catch (Throwable e) {
      thrown = thrown == null ? e : thrown;
    }
    failure = failure == null ? thrown : failure;
  }

  /** Runs in this thread whose turn it is, one after the other, until the first has ended. */
  private void takeTurns(Task main) {
    Coroutine first = new Coroutine(() -> play(main));
    main.carrier = new Light(first);
    Coroutine next = first;
    while (!first.isDone()) {
      next.run();
      Task task = running;
      if (task.carrier == null) {
        task.carrier = new Light(new Coroutine(() -> lead(task)));
      }
      next = ((Light) Objects.requireNonNull(task.carrier)).coroutine();
    }
  }

  /** From the beginning of a simulated thread to its end, and to who comes next. */
  private void lead(Task task) {
    live(task);
    Task unused = next();
  }

  /** A simulation found something. */
  public static final class Failed extends RuntimeException {
    private static final long serialVersionUID = 1;

    Failed(long seed, Throwable cause, List<String> trace) {
      super(
          "replay with -Dsheepfs.seed=" + seed + "\n" + String.join("\n", trace) + "\n" + cause,
          cause);
    }
  }

  /** What everybody waits for. */
  private void traceThreads() {
    for (Host host : hosts) {
      for (Task task : host.tasks) {
        Carrier carrier = task.carrier;
        StringBuilder line = new StringBuilder("  " + task + " waits");
        if (carrier != null) {
          for (StackTraceElement frame : carrier.stack()) {
            if (frame.getClassName().startsWith("io.sheepfs")
                && !frame.getClassName().endsWith(".Sim")) {
              line.append("\n      ").append(frame);
            }
          }
        }
        trace(line.toString());
      }
    }
  }

  private void end() {
    List<Host> all = new ArrayList<>(hosts);
    all.forEach(this::killNow);
    long until = events + 100_000;
    for (Host host : all) {
      while (!host.tasks.isEmpty() && events < until) {
        block(now + 1_000_000);
      }
    }
    for (Host host : all) {
      if (!host.tasks.isEmpty()) {
        throw new IllegalStateException("does not end: " + host.tasks);
      }
    }
  }

  private final List<Host> hosts = new ArrayList<>();

  // --- what the world does ---

  /** The time since the beginning. */
  public static long now() {
    return sim().now;
  }

  /** A number below {@code bound}, as the seed says. */
  public static int random(int bound) {
    return sim().random.nextInt(bound);
  }

  /** Whether a thing happens that happens once in {@code times}. */
  public static boolean oneIn(int times) {
    return sim().random.nextInt(times) == 0;
  }

  /** How many events there were. */
  public static long events() {
    return sim().events;
  }

  /** Adds a line to the trace. */
  public static void trace(String line) {
    Sim sim = sim();
    for (int i = 0; i < line.length(); i++) {
      sim.digest = sim.digest * 31 + line.charAt(i);
    }
    sim.trace.add(new Line(sim.now, sim.running.host, line));
    if (sim.trace.size() > TRACE_LINES) {
      sim.trace.remove();
    }
  }

  /** Whether the trace is wanted whole, so that lines may cost something. */
  public static boolean isVerbose() {
    return Boolean.getBoolean("sheepfs.sim.verbose");
  }

  /** Ends the simulation with a failure, from wherever it is noticed. */
  public static void fail(Throwable why) {
    Sim sim = sim();
    if (sim.failure == null) {
      sim.failure = why;
      trace("FAILED: " + why);
    }
  }

  /** What was noticed so far; null if nothing was. */
  public static @Nullable Throwable failure() {
    return sim().failure;
  }

  /** Has an action happen after a while. It must not wait for anything. */
  public static void after(Duration time, Runnable action) {
    Sim sim = sim();
    sim.add(sim.now + time.toNanos(), null, action);
  }

  /** Begins a thread of a process. */
  @CanIgnoreReturnValue
  public static Task spawn(Host host, String name, Runnable body) {
    Task task = new Task(host, name, body);
    sim().begin(task);
    return task;
  }

  /** Ends a process at once. */
  public static void kill(Host host) {
    sim().killNow(host);
  }

  /** Lets a process stand still; longer, if it does already. */
  public static void freeze(Host host, Duration time) {
    host.frozenUntil = Math.max(host.frozenUntil, sim().now + time.toNanos());
  }

  /** The process of the running thread. */
  public static Host host() {
    return sim().running.host;
  }

  // --- what threads do ---

  /** A place where another thread may go on. */
  public static void point() {
    Sim sim = sim();
    sim.checkAlive();
    if (sim.random.nextInt(8) == 0) {
      sleep(Duration.ofNanos(sim.random.nextInt(200_000)));
    }
  }

  /** Waits, whatever happens. */
  public static void sleep(Duration time) {
    Sim sim = sim();
    long until = sim.now + time.toNanos();
    do {
      sim.block(until);
    } while (sim.now < until);
  }

  /** Waits until {@link #wake}, or until the time; may return before. */
  public static void blockUntil(long at) {
    sim().block(at);
  }

  /** The running thread. */
  public static Task running() {
    return sim().running;
  }

  /** Has a thread that waits look again. */
  public static void wake(Task task) {
    Sim sim = sim();
    if (task.done || task == sim.running) {
      return;
    }
    Event known = task.wake;
    if (known != null && known.at <= sim.now) {
      return;
    }
    if (known != null) {
      known.cancelled = true;
    }
    task.wake = sim.add(sim.now, task, null);
  }

  private void checkAlive() {
    if (running.killed) {
      throw new Killed();
    }
  }

  private Event add(long at, @Nullable Task task, @Nullable Runnable action) {
    Event event = new Event(at, task, action);
    queue.add(at, ((long) random.nextInt() << Integer.SIZE) | made++, event);
    return event;
  }

  private void begin(Task task) {
    if (task.host.dead) {
      return;
    }
    if (task.host.tasks.isEmpty() && !hosts.contains(task.host)) {
      hosts.add(task.host);
    }
    task.host.tasks.add(task);
    task.wake = add(now + random.nextInt(50_000), task, null);
  }

  private void killNow(Host host) {
    host.dead = true;
    host.frozenUntil = 0;
    for (Task task : List.copyOf(host.tasks)) {
      task.killed = true;
      if (task.carrier == null) {
        finish(task);
        if (task.wake != null) {
          task.wake.cancelled = true;
        }
      } else {
        wake(task);
      }
    }
  }

  private void finish(Task task) {
    task.done = true;
    task.host.tasks.remove(task);
    task.joining.forEach(Sim::wake);
  }

  private void block(long at) {
    Task me = running;
    checkAlive();
    if (me == kernel) {
      throw new IllegalStateException("an action waits");
    }
    if (me.wake != null) {
      me.wake.cancelled = true;
    }
    me.wake = at == Long.MAX_VALUE ? null : add(Math.max(at, now), me, null);
    Task next = next();
    if (next != me) {
      if (me.carrier instanceof Heavy mine) {
        give(next);
        mine.awaitTurn();
      } else {
        Coroutine.pause();
      }
    }
    me.wake = null;
    checkAlive();
  }

  /** Goes on with what comes next, until that is a thread, which is the running one then. */
  private Task next() {
    while (true) {
      Event event = queue.poll();
      if (event == null) {
        throw new IllegalStateException("everybody waits for ever");
      }
      if (event.cancelled) {
        continue;
      }
      events++;
      now = Math.max(now, event.at);
      Runnable action = event.action;
      Task next = event.task;
      if (action != null) {
        act(action);
        continue;
      }
      if (next == null || next.done) {
        continue;
      }
      if (next.host.frozenUntil > now && !next.killed) {
        next.wake = add(next.host.frozenUntil, next, null);
        continue;
      }
      next.wake = null;
      running = next;
      return next;
    }
  }

  private void act(Runnable action) {
    running = kernel;
    try {
      action.run();
    } catch (RuntimeException | Error e) {
      fail(e);
    }
  }

  /** Gives the turn to a thread on a real one. */
  private void give(Task task) {
    Heavy carrier = (Heavy) task.carrier;
    if (carrier == null) {
      Heavy idle = IDLE.poll();
      carrier = idle == null ? fresh() : idle;
      task.carrier = carrier;
      carrier.task = task;
      carrier.sim = this;
    }
    carrier.go();
  }

  private static Heavy fresh() {
    Heavy[] self = new Heavy[1];
    Thread thread = new Thread(() -> carryOn(self), "sim-carrier");
    thread.setDaemon(true);
    Heavy carrier = new Heavy(thread);
    self[0] = carrier;
    thread.start();
    return carrier;
  }

  private static void carryOn(Heavy[] self) {
    Heavy carrier = self[0];
    while (true) {
      carrier.awaitTurn();
      Task task = carrier.task;
      Sim sim = carrier.sim;
      if (task == null || sim == null) {
        throw new IllegalStateException("a turn and nothing to do");
      }
      CURRENT.set(sim);
      sim.live(task);
      carrier.task = null;
      Task next = sim.next();
      IDLE.push(carrier);
      sim.give(next);
    }
  }

  private void live(Task task) {
    try {
      task.body.run();
    } catch (Killed e) {
      // as it should
    } catch (RuntimeException | Error e) {
      fail(e);
    }
    finish(task);
  }

  // --- what rewritten code calls, under the names of what it called before ---

  /** Instead of {@link System#nanoTime}. */
  public static long nanoTime() {
    return sim().now;
  }

  /** Instead of {@link System#currentTimeMillis}. */
  public static long currentTimeMillis() {
    return system().millis();
  }

  /** Instead of {@link InstantSource#system}. */
  public static InstantSource system() {
    return () -> BEGINNING.plusNanos(sim().now);
  }

  /** Instead of {@link UUID#randomUUID}. */
  public static UUID randomUUID() {
    return new UUID(sim().random.nextLong(), sim().random.nextLong());
  }

  /** Instead of {@link Thread#sleep(long)}. */
  public static void sleep(long millis) throws InterruptedException {
    sleep(Duration.ofMillis(millis));
    checkInterrupt();
  }

  static void checkInterrupt() throws InterruptedException {
    if (interrupted()) {
      throw new InterruptedException();
    }
  }

  /** Instead of {@link Thread#interrupted}. */
  public static boolean interrupted() {
    Task me = sim().running;
    boolean was = me.interrupted;
    me.interrupted = false;
    return was;
  }

  /** Instead of {@link Thread#interrupt}. */
  public static void interrupt(Thread thread) {
    Task task = thread instanceof SimThread simulated ? simulated.task() : sim().running;
    if (task != null) {
      interrupt(task);
    }
  }

  static void interrupt(Task task) {
    task.interrupted = true;
    wake(task);
  }

  /** Instead of {@link Thread#join(long)}. */
  public static void join(Thread thread, long millis) throws InterruptedException {
    Task task = ((SimThread) thread).task();
    long until = sim().now + millis * 1_000_000;
    while (task != null && !task.done && sim().now < until) {
      checkInterrupt();
      task.joining.add(sim().running);
      blockUntil(until);
    }
  }

  private Monitor monitor(Object lock) {
    return monitors.computeIfAbsent(lock, any -> new Monitor());
  }

  /** Instead of the beginning of a synchronized block. */
  public static void monitorEnter(Object lock) {
    Sim sim = sim();
    Monitor monitor = sim.monitor(lock);
    sim.enter(monitor, 1);
  }

  private void enter(Monitor monitor, int holds) {
    Task me = running;
    while (monitor.owner != null && monitor.owner != me) {
      monitor.entering.add(me);
      block(Long.MAX_VALUE);
    }
    monitor.owner = me;
    monitor.holds += holds;
  }

  /** Instead of its end. */
  public static void monitorExit(Object lock) {
    Sim sim = sim();
    Monitor monitor = sim.monitor(lock);
    if (monitor.owner == sim.running && --monitor.holds == 0) {
      release(monitor);
    }
  }

  private static void release(Monitor monitor) {
    monitor.owner = null;
    monitor.entering.forEach(Sim::wake);
    monitor.entering.clear();
  }

  /** Instead of {@link Object#wait()}. */
  public static void wait(Object lock) throws InterruptedException {
    await(lock, Long.MAX_VALUE);
  }

  /** Instead of {@link Object#wait(long)}. */
  public static void wait(Object lock, long millis) throws InterruptedException {
    wait(lock, millis, 0);
  }

  /** Instead of {@link Object#wait(long, int)}. */
  public static void wait(Object lock, long millis, int nanos) throws InterruptedException {
    boolean endless = millis == 0 && nanos == 0;
    await(lock, endless ? Long.MAX_VALUE : sim().now + millis * 1_000_000 + nanos);
  }

  private static void await(Object lock, long until) throws InterruptedException {
    Sim sim = sim();
    checkInterrupt();
    Monitor monitor = sim.monitor(lock);
    Task me = sim.running;
    int holds = monitor.holds;
    monitor.holds = 0;
    release(monitor);
    monitor.waiting.add(me);
    try {
      sim.block(until);
    } finally {
      monitor.waiting.remove(me);
    }
    sim.enter(monitor, holds);
    checkInterrupt();
  }

  /** Instead of {@link Object#notify}: a waiting thread may always go on for no reason. */
  public static void notify(Object lock) {
    notifyAll(lock);
  }

  /** Instead of {@link Object#notifyAll}. */
  public static void notifyAll(Object lock) {
    List<Task> waiting = sim().monitor(lock).waiting;
    waiting.forEach(Sim::wake);
    waiting.clear();
  }
}
