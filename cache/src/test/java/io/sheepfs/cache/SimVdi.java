package io.sheepfs.cache;

import io.sheepfs.protocol.VdiId;
import java.util.ArrayList;
import java.util.List;

/**
 * What the bytes of one VDI may be. A block is two units, each filled with one number; a state of a
 * block is both, so that a block of which only a half was changed shows.
 */
final class SimVdi {

  static final int OBJECTS = SimStore.OBJECTS;
  static final int BLOCKS = SimStore.BLOCKS;

  /** The VDI's id; another one after a snapshot. */
  VdiId vid;

  /** Whose each object is, as whoever has the VDI open knows; 0 for a hole. */
  final int[] owner = new int[OBJECTS];

  private final long[][] now = new long[OBJECTS][BLOCKS];

  /** All states since a block was durable, oldest first. The last is {@code now}. */
  private final List<List<List<Long>>> possible = new ArrayList<>();

  /** What {@code now} becomes if the change on its way succeeds. */
  private final long[][] next = new long[OBJECTS][BLOCKS];

  SimVdi(VdiId vid) {
    this.vid = vid;
    for (int object = 0; object < OBJECTS; object++) {
      List<List<Long>> blocks = new ArrayList<>();
      for (int block = 0; block < BLOCKS; block++) {
        blocks.add(new ArrayList<>(List.of(0L)));
      }
      possible.add(blocks);
    }
  }

  /** A copy of what {@code other} is or may be. */
  SimVdi(VdiId vid, SimVdi other) {
    this(vid);
    copyFrom(other);
  }

  void copyFrom(SimVdi other) {
    for (int object = 0; object < OBJECTS; object++) {
      owner[object] = other.owner[object];
      for (int block = 0; block < BLOCKS; block++) {
        now[object][block] = other.now[object][block];
        next[object][block] = now[object][block];
        possible.get(object).set(block, new ArrayList<>(other.possible.get(object).get(block)));
      }
    }
  }

  static long state(int first, int second) {
    return ((long) first << 32) | (second & 0xFFFF_FFFFL);
  }

  /** The number of a unit. */
  int unit(int object, int unit) {
    long state = now[object][unit >> 1];
    return (int) ((unit & 1) == 0 ? state >>> 32 : state);
  }

  long now(int object, int block) {
    return now[object][block];
  }

  /** A change of units begins. */
  void change(int object, int from, int to, int value) {
    for (int unit = from; unit < to; unit++) {
      int block = unit >> 1;
      long state = next[object][block];
      next[object][block] =
          (unit & 1) == 0 ? state(value, (int) state) : state((int) (state >>> 32), value);
    }
  }

  /** The changes that began have succeeded. */
  void commit() {
    for (int object = 0; object < OBJECTS; object++) {
      for (int block = 0; block < BLOCKS; block++) {
        if (now[object][block] != next[object][block]) {
          pin(object, block, next[object][block]);
        }
      }
    }
  }

  /** A block has been read, and is this for good. */
  void pin(int object, int block, long state) {
    now[object][block] = state;
    next[object][block] = state;
    possible.get(object).get(block).add(state);
  }

  /** How many states were possible, for {@link #flushed}. */
  int[] beginFlush() {
    int[] sizes = new int[OBJECTS * BLOCKS];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = possible.get(i / BLOCKS).get(i % BLOCKS).size();
    }
    return sizes;
  }

  /** What was before the last state when the flush began is no more possible. */
  void flushed(int[] sizes) {
    for (int i = 0; i < sizes.length; i++) {
      possible.get(i / BLOCKS).get(i % BLOCKS).subList(0, sizes[i] - 1).clear();
    }
  }

  /** Whether the block may be this after the machine died. */
  boolean isPossible(int object, int block, long state) {
    return possible.get(object).get(block).contains(state) || next[object][block] == state;
  }

  /** Whether the block may be this after the process died. */
  boolean isNowOrNext(int object, int block, long state) {
    return now[object][block] == state || next[object][block] == state;
  }

  String describe(int object, int block) {
    return "VDI "
        + vid
        + ", object "
        + object
        + ", block "
        + block
        + ": "
        + possible.get(object).get(block)
        + ", now "
        + now[object][block]
        + ", next "
        + next[object][block];
  }
}
