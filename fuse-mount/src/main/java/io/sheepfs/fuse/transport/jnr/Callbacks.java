package io.sheepfs.fuse.transport.jnr;

import com.kenai.jffi.CallContext;
import com.kenai.jffi.Closure;
import com.kenai.jffi.ClosureManager;
import com.kenai.jffi.Type;
import io.sheepfs.fuse.transport.Errno;
import io.sheepfs.telemetry.RequestEvent;
import io.sheepfs.telemetry.SlowRequests;
import io.sheepfs.telemetry.Stage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import ru.serce.jnrfuse.struct.FuseOperations;

/**
 * A {@code struct fuse_operations} whose entries are Java. jnr-fuse knows where each stands, but
 * its callbacks wrap every argument and copy the data; these get the bare arguments.
 *
 * <p>Whatever a callback throws becomes a negative errno here: libfuse would see a 0 otherwise,
 * which means success.
 *
 * <p>Keep it as long as libfuse may call: the entries live as long as this.
 */
final class Callbacks {

  /** One entry. Answers 0 or a count; failures are thrown. */
  interface Callback {
    int run(Closure.Buffer arguments) throws IOException;
  }

  /** A refusal in the terms of this transport alone. */
  static final class Refusal extends IOException {
    private static final long serialVersionUID = 1L;
    private final int errno;

    Refusal(int errno) {
      super("errno " + errno, null);
      this.errno = errno;
    }
  }

  private static final Logger log = LoggerFactory.getLogger(Callbacks.class);

  private static final int FLAG_NULLPATH_OK = 1;
  private static final int FLAG_NOPATH = 2;
  private static final int FLAG_UTIME_OMIT_OK = 4;

  private final FuseOperations layout = new FuseOperations(Runtime.getSystemRuntime());
  private final Pointer memory =
      Memory.allocateDirect(Runtime.getSystemRuntime(), Struct.size(layout), true);
  private final List<Closure.Handle> handles = new ArrayList<>();

  private volatile boolean initialized;

  Callbacks() {
    // the word of flags lies between bmap and ioctl, and jnr-fuse has it as padding
    memory.putInt(
        layout.bmap.offset() + Long.BYTES, FLAG_NULLPATH_OK | FLAG_NOPATH | FLAG_UTIME_OMIT_OK);
    bind(layout.init.offset(), this::initialized, Type.POINTER, Type.POINTER);
  }

  private void initialized(Closure.Buffer arguments) {
    initialized = true;
    arguments.setAddressReturn(0);
  }

  /** Where each entry stands. */
  FuseOperations layout() {
    return layout;
  }

  /** Fills one entry. */
  void set(long offset, Callback callback, Type... parameters) {
    set(Stage.FUSE_OTHER, offset, callback, parameters);
  }

  /** Fills one entry that has a histogram of its own. */
  void set(Stage stage, long offset, Callback callback, Type... parameters) {
    Closure closure =
        arguments -> {
          SlowRequests.begin();
          RequestEvent event = RequestEvent.started();
          long begin = Stage.begin();
          int answer = answer(callback, arguments);
          event.ended(stage);
          long nanos = stage.end(begin);
          if (SlowRequests.isSlow(nanos)) {
            SlowRequests.tell(stage, nanos, stage::toString); // libfuse 2 has names only for some
          }
          arguments.setIntReturn(answer);
        };
    bind(offset, closure, Type.SINT, parameters);
  }

  /** Whether the kernel and libfuse have agreed to begin. */
  boolean isInitialized() {
    return initialized;
  }

  private void bind(long offset, Closure closure, Type result, Type... parameters) {
    Closure.Handle handle =
        ClosureManager.getInstance().newClosure(closure, new CallContext(result, parameters));
    handles.add(handle);
    memory.putAddress(offset, handle.getAddress());
  }

  private static int answer(Callback callback, Closure.Buffer arguments) {
    try {
      return callback.run(arguments);
    } catch (Refusal e) {
      return -e.errno;
    } catch (IOException | RuntimeException e) {
      return -Errno.of(e);
    } catch (Error e) {
      log.error("Unexpected failure, answered as an I/O error", e);
      return -Errno.EIO;
    }
  }

  /** The structure. */
  Pointer memory() {
    return memory;
  }

  /** Its size in bytes. */
  int sizeBytes() {
    return Struct.size(layout);
  }

  /** Frees the entries. Only when libfuse will never call again. */
  void dispose() {
    handles.forEach(Closure.Handle::dispose);
    handles.clear();
  }
}
