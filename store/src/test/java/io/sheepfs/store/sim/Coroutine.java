package io.sheepfs.store.sim;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.jspecify.annotations.Nullable;

/**
 * What a simulated thread runs on where the JDK has it: the continuation below its virtual threads.
 * Going from one to another costs a tenth of what two real threads need to give each other the
 * turn. It is there from JDK 21 on, with {@code --add-exports
 * java.base/jdk.internal.vm=ALL-UNNAMED}.
 */
final class Coroutine {

  private static final @Nullable Parts PARTS = parts();

  private final Parts parts;
  private final Object continuation;

  /** What the JDK has for it. */
  private record Parts(
      Object scope,
      MethodHandle make,
      MethodHandle run,
      MethodHandle pause,
      MethodHandle isDone,
      MethodHandle stack) {}

  private static @Nullable Parts parts() {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      Class<?> type = Class.forName("jdk.internal.vm.Continuation");
      Class<?> scope = Class.forName("jdk.internal.vm.ContinuationScope");
      return new Parts(
          scope.getConstructor(String.class).newInstance("simulation"),
          lookup
              .findConstructor(type, MethodType.methodType(void.class, scope, Runnable.class))
              .asType(MethodType.methodType(Object.class, Object.class, Runnable.class)),
          lookup
              .findVirtual(type, "run", MethodType.methodType(void.class))
              .asType(MethodType.methodType(void.class, Object.class)),
          lookup
              .findStatic(type, "yield", MethodType.methodType(boolean.class, scope))
              .asType(MethodType.methodType(boolean.class, Object.class)),
          lookup
              .findVirtual(type, "isDone", MethodType.methodType(boolean.class))
              .asType(MethodType.methodType(boolean.class, Object.class)),
          lookup
              .findVirtual(type, "getStackTrace", MethodType.methodType(StackTraceElement[].class))
              .asType(MethodType.methodType(StackTraceElement[].class, Object.class)));
    } catch (ReflectiveOperationException e) {
      return null;
    }
  }

  /** Whether there are any. */
  static boolean isAvailable() {
    return PARTS != null && !Boolean.getBoolean("sheepfs.sim.threads");
  }

  Coroutine(Runnable body) {
    Parts found = PARTS;
    if (found == null) {
      throw new IllegalStateException("this JDK has none");
    }
    this.parts = found;
    try {
      this.continuation = (Object) found.make.invokeExact(found.scope, body);
    } catch (Throwable e) {
      throw passedOn(e);
    }
  }

  /** Goes on with it in this thread, until it pauses or ends. */
  void run() {
    try {
      parts.run.invokeExact(continuation);
    } catch (Throwable e) {
      throw passedOn(e);
    }
  }

  /** Pauses the one that runs in this thread. */
  static void pause() {
    Parts found = PARTS;
    if (found == null) {
      throw new IllegalStateException("none runs here");
    }
    try {
      boolean unused = (boolean) found.pause.invokeExact(found.scope);
    } catch (Throwable e) {
      throw passedOn(e);
    }
  }

  boolean isDone() {
    try {
      return (boolean) parts.isDone.invokeExact(continuation);
    } catch (Throwable e) {
      throw passedOn(e);
    }
  }

  /** Where it paused. */
  StackTraceElement[] stack() {
    try {
      return (StackTraceElement[]) parts.stack.invokeExact(continuation);
    } catch (Throwable e) {
      throw passedOn(e);
    }
  }

  private static RuntimeException passedOn(Throwable e) {
    if (e instanceof RuntimeException unchecked) {
      return unchecked;
    }
    if (e instanceof Error error) {
      throw error;
    }
    return new IllegalStateException(e);
  }
}
