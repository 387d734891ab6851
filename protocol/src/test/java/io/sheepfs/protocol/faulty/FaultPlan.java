package io.sheepfs.protocol.faulty;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which system calls fail, and how. Calls are counted for each fault by itself: those that it can
 * befall. Safe for any number of threads.
 */
public final class FaultPlan {

  /** What befalls a call. */
  public enum Fault {
    /** It does nothing, and says EIO. */
    EIO,
    /** It says ENOSPC; a write has done some pages. */
    ENOSPC,
    /** It does a part and says so, which is no error. */
    SHORT
  }

  /** What is called. */
  public enum Call {
    OPEN(false, false),
    CREATE(true, false),
    READ(false, true),
    WRITE(true, true),
    TRUNCATE(false, false),
    FORCE(true, false),
    MAP(false, false),
    STAT(false, false),
    LIST(false, false),
    RENAME(true, false),
    DELETE(false, false),
    MAKE_DIRECTORY(true, false);

    private final boolean takesSpace;
    private final boolean movesBytes;

    Call(boolean takesSpace, boolean movesBytes) {
      this.takesSpace = takesSpace;
      this.movesBytes = movesBytes;
    }

    private boolean canHave(Fault fault) {
      return switch (fault) {
        case EIO -> true;
        case ENOSPC -> takesSpace;
        case SHORT -> movesBytes;
      };
    }
  }

  /**
   * A call that fails.
   *
   * @param number among those that the fault can befall; the first is 0
   */
  public record Site(Fault fault, int number) {}

  /** One that has failed. */
  public record Failed(Call call, Path path) {}

  private final Set<Site> sites;
  private final Map<Fault, Integer> counts = new EnumMap<>(Fault.class);
  private final Map<Call, Integer> calls = new EnumMap<>(Call.class);
  private final List<Failed> fresh = new ArrayList<>();
  private int happened;
  private int pauses;

  public FaultPlan(Set<Site> sites) {
    this.sites = Set.copyOf(sites);
  }

  /** What is called until {@link #resume} neither counts nor fails; these can be nested. */
  public synchronized void pause() {
    pauses++;
  }

  /** Ends a {@link #pause}. */
  public synchronized void resume() {
    pauses--;
  }

  /**
   * Counts a call.
   *
   * @return whether it has to do a part only
   * @throws IOException if it fails; of a write some may have to be done before
   */
  synchronized boolean next(Call call, Path path) throws IOException {
    if (pauses > 0) {
      return false;
    }
    calls.merge(call, 1, Integer::sum);
    boolean isShort = false;
    IOException failure = null;
    for (Fault fault : Fault.values()) {
      if (!call.canHave(fault)) {
        continue;
      }
      int number = counts.merge(fault, 1, Integer::sum) - 1;
      if (sites.contains(new Site(fault, number))) {
        happened++;
        switch (fault) {
          case EIO -> failure = new IOException("injected: input/output error, " + call);
          case ENOSPC ->
              failure = new FileSystemException(path.toString(), null, "No space left on device");
          case SHORT -> isShort = true;
        }
      }
    }
    if (failure != null) {
      fresh.add(new Failed(call, path));
      throw failure;
    }
    return isShort;
  }

  /** How many calls a fault could have befallen. */
  public synchronized int count(Fault fault) {
    return counts.getOrDefault(fault, 0);
  }

  /** How many there were of each. */
  public synchronized Map<Call, Integer> calls() {
    return new EnumMap<>(calls);
  }

  /** How many faults there were. */
  public synchronized int happened() {
    return happened;
  }

  /** What has failed since this was called last; what was cut short has not. */
  public synchronized List<Failed> takeFresh() {
    List<Failed> taken = List.copyOf(fresh);
    fresh.clear();
    return taken;
  }
}
