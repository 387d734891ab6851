package io.sheepfs.cache;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Counts the operations of a disk and of the files of objects, lets some of them fail, once each,
 * and passes on the others. Not for many threads.
 */
final class FailingDisk {

  /** How they fail. */
  enum Errno {
    /** Nothing was done. */
    EIO("input/output error"),
    /** Of a write the first half was done. */
    ENOSPC("no space left on device");

    private final String text;

    Errno(String text) {
      this.text = text;
    }
  }

  private final CacheDisk disk;
  private final Set<Integer> sites;
  private final Errno error;
  private final Map<String, Integer> counts = new TreeMap<>();
  private @Nullable String fresh;
  private int count;
  private int failures;

  /**
   * A disk with errors.
   *
   * @param sites which operations fail; the first is 0
   */
  FailingDisk(CacheDisk next, Set<Integer> sites, Errno error) {
    this.sites = sites;
    this.error = error;
    this.disk = proxy(CacheDisk.class, next);
  }

  private <T> T proxy(Class<T> type, T real) {
    Object proxy =
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> call(real, method, arguments));
    return type.cast(proxy);
  }

  private @Nullable Object call(Object real, Method method, Object @Nullable [] arguments)
      throws Throwable {
    boolean canFail =
        method.getDeclaringClass() != Object.class && !method.getName().equals("slot");
    if (canFail && isNext(method)) {
      if (error == Errno.ENOSPC && arguments != null && arguments[0] instanceof ByteBuffer src) {
        ByteBuffer half = src.duplicate();
        Object unused =
            method.invoke(real, half.limit(half.position() + half.remaining() / 2), arguments[1]);
      }
      throw new IOException("injected: " + error.text);
    }
    try {
      Object result = method.invoke(real, arguments);
      return result instanceof ObjectFile file ? proxy(ObjectFile.class, file) : result;
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private boolean isNext(Method method) {
    String name = method.getDeclaringClass().getSimpleName() + "." + method.getName();
    counts.merge(name, 1, Integer::sum);
    if (!sites.contains(count++)) {
      return false;
    }
    failures++;
    fresh = name;
    return true;
  }

  CacheDisk disk() {
    return disk;
  }

  /** How many operations there were. */
  int count() {
    return count;
  }

  Map<String, Integer> counts() {
    return counts;
  }

  int failures() {
    return failures;
  }

  /** What failed last, if nobody has asked since. */
  @Nullable String takeFresh() {
    String last = fresh;
    fresh = null;
    return last;
  }
}
