package io.sheepfs.fuse.transport.jnr;

import static com.kenai.jffi.Type.POINTER;
import static com.kenai.jffi.Type.UINT64;

import com.kenai.jffi.CallContext;
import com.kenai.jffi.Invoker;
import java.io.IOException;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.In;
import org.jspecify.annotations.Nullable;

/**
 * The function {@code fuse_new}. libfuse has it in several versions, and a plain look-up, as all
 * bindings do it, finds the oldest, which takes other arguments.
 */
final class FuseNew {

  private static final String VERSION = "FUSE_2.6";
  private static final int RTLD_NOW = 2;
  private static final CallContext SIGNATURE =
      new CallContext(POINTER, POINTER, POINTER, POINTER, UINT64, POINTER);

  /** What finds symbols; a part of the C library, or beside it in older ones. */
  public interface DynamicLinker {

    @Nullable Pointer dlopen(@In String file, int flags);

    @Nullable Pointer dlvsym(Pointer library, @In String symbol, @In String version);
  }

  private final long function;

  private FuseNew(long function) {
    this.function = function;
  }

  /** Finds the function. */
  static FuseNew find() throws IOException {
    DynamicLinker linker =
        LibraryLoader.create(DynamicLinker.class).library("c").library("dl").load();
    Pointer library = linker.dlopen(LibFuse2.FILE, RTLD_NOW);
    Pointer function = library == null ? null : linker.dlvsym(library, "fuse_new", VERSION);
    if (function == null) {
      throw new IOException(LibFuse2.FILE + " has no fuse_new of version " + VERSION);
    }
    return new FuseNew(function.address());
  }

  /** A file system on a channel; null if libfuse refused the arguments. It copies the callbacks. */
  @Nullable Pointer call(Pointer channel, Arguments arguments, Callbacks callbacks) {
    long fuse =
        Invoker.getInstance()
            .invokeN5(
                SIGNATURE,
                function,
                channel.address(),
                arguments.memory().address(),
                callbacks.memory().address(),
                callbacks.sizeBytes(),
                0);
    return fuse == 0 ? null : Pointer.wrap(Runtime.getSystemRuntime(), fuse);
  }
}
