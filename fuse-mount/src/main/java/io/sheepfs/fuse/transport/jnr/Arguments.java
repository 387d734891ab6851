package io.sheepfs.fuse.transport.jnr;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/**
 * A command line as libfuse takes it, {@code struct fuse_args}. libfuse may replace the array by
 * one of its own.
 *
 * <pre>
 * argc i32 @0 | argv @8 | allocated i32 @16
 * </pre>
 */
final class Arguments {

  private static final int ARGV = 8;
  private static final int SIZE = 24;

  private final Pointer memory;

  /** Keeps what {@link #memory} points to alive. */
  private final List<Pointer> parts = new ArrayList<>();

  Arguments(List<String> words) {
    Runtime runtime = Runtime.getSystemRuntime();
    Pointer array =
        Memory.allocateDirect(runtime, (words.size() + 1) * runtime.addressSize(), true);
    parts.add(array);
    for (int i = 0; i < words.size(); i++) {
      byte[] bytes = words.get(i).getBytes(StandardCharsets.UTF_8);
      Pointer word = Memory.allocateDirect(runtime, bytes.length + 1, true);
      word.put(0, bytes, 0, bytes.length);
      array.putPointer((long) i * runtime.addressSize(), word);
      parts.add(word);
    }
    memory = Memory.allocateDirect(runtime, SIZE, true);
    memory.putInt(0, words.size());
    memory.putPointer(ARGV, array);
  }

  Pointer memory() {
    return memory;
  }
}
