package io.sheepfs.cache;

import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * What people tell a cache to do with one VDI, word by word, and its answers, which are for
 * programs:
 *
 * <pre>
 *   warm              begins to fetch the VDI in the background, unless that goes on already
 *   warm status       only tells how far it is
 *   warm stop         ends it
 *                     all three: "warm STATE DONE_BYTES TOTAL_BYTES"; the state is none, running,
 *                     done, stopped, full (there is no room for more) or failed
 *   quota             tells what it may have: "quota LIMIT_BYTES USED_BYTES"; a limit of 0 is none
 *   quota SIZE|none   sets it, and tells
 *   fsck              reads all that is cached and compares the checksums: "fsck CHECKED_BYTES
 *                     MENDED_BLOCKS LOST_BLOCKS", as {@link CacheCheck} says
 * </pre>
 *
 * <p>Safe for any number of threads.
 */
public final class CacheCommands {

  private final ObjectCache cache;
  private final Warming.Permission permission;
  private final Executor executor;
  private final Map<VdiName, Warming> warmings = new ConcurrentHashMap<>();
  private final Map<VdiName, CacheCheck> checks = new ConcurrentHashMap<>();
  private final Set<VdiName> quotas = ConcurrentHashMap.newKeySet();

  /**
   * @param permission asked before an object is fetched
   * @param executor runs what goes on in the background
   */
  public CacheCommands(ObjectCache cache, Warming.Permission permission, Executor executor) {
    this.cache = cache;
    this.permission = permission;
    this.executor = executor;
  }

  /**
   * Carries a command out.
   *
   * @param vid the working VDI of that name
   * @return the answer, without a line feed
   * @throws IllegalArgumentException with a message for the user if there is no such command
   * @throws IOException if it could not be done
   */
  public String run(VdiName name, VdiId vid, String command) throws IOException {
    String[] words = command.strip().split(" +", -1);
    String argument = words.length > 1 ? words[1] : null;
    if (words.length <= 2) {
      switch (words[0]) {
        case "warm" -> {
          return warm(name, vid, argument);
        }
        case "quota" -> {
          return quota(name, argument);
        }
        case "fsck" -> {
          if (argument == null) {
            CacheCheck check = cache.check(vid);
            checks.put(name, check);
            return text(check);
          }
        }
        default -> {}
      }
    }
    throw new IllegalArgumentException(
        "a cache takes warm, warm status, warm stop, quota, quota SIZE, quota none and fsck; not '"
            + command.strip()
            + "'");
  }

  /**
   * The last answers about each VDI with its name behind; of what goes on in the background, and of
   * quotas, how they are now.
   */
  public List<String> answers() {
    List<String> lines = new ArrayList<>();
    warmings.forEach((name, warming) -> lines.add(text(warming) + " " + name));
    quotas.forEach(name -> lines.add(text(cache.quota(name)) + " " + name));
    checks.forEach((name, check) -> lines.add(text(check) + " " + name));
    Collections.sort(lines);
    return lines;
  }

  private String warm(VdiName name, VdiId vid, @Nullable String argument) {
    if (argument == null) {
      start(name, vid);
    } else if (argument.equals("stop")) {
      stop(name);
    } else if (!argument.equals("status")) {
      throw new IllegalArgumentException("warm takes status or stop, not '" + argument + "'");
    }
    Warming warming = warmings.get(name);
    return warming == null ? "warm none 0 0" : text(warming);
  }

  private static String text(Warming warming) {
    return "warm "
        + warming.state().name().toLowerCase(Locale.ROOT)
        + (" " + warming.doneBytes() + " " + warming.totalBytes());
  }

  /** Begins to fetch a VDI; returns the fetching that goes on already if there is one. */
  public synchronized Warming start(VdiName name, VdiId vid) {
    Warming before = warmings.get(name);
    if (before != null && before.state() == Warming.State.RUNNING) {
      return before;
    }
    Warming warming = cache.warming(vid, permission);
    warmings.put(name, warming);
    try {
      executor.execute(warming::run);
    } catch (RejectedExecutionException e) {
      warming.stop(); // the cache is being closed
    }
    return warming;
  }

  private void stop(VdiName name) {
    Warming warming = warmings.get(name);
    if (warming != null) {
      warming.stop();
    }
  }

  /** Ends all that goes on in the background. */
  public void stopAll() {
    warmings.values().forEach(Warming::stop);
  }

  private String quota(VdiName name, @Nullable String size) throws IOException {
    if (size != null) {
      cache.setQuota(name, size.equals("none") ? 0 : ByteSize.parse(size));
    }
    quotas.add(name);
    return text(cache.quota(name));
  }

  private static String text(Quota quota) {
    return "quota " + quota.limitBytes() + " " + quota.usedBytes();
  }

  private static String text(CacheCheck check) {
    return "fsck "
        + (check.checkedBytes() + " " + check.mendedBlocks())
        + (" " + check.lostBlocks());
  }
}
