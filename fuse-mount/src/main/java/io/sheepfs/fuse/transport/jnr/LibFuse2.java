package io.sheepfs.fuse.transport.jnr;

import java.io.IOException;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.annotations.In;
import jnr.ffi.types.intptr_t;
import jnr.ffi.types.size_t;
import org.jspecify.annotations.Nullable;

/**
 * The functions of libfuse 2.9 that jnr-fuse leaves to {@code fuse_main}, which would run the mount
 * on threads of its own.
 */
public interface LibFuse2 {

  /** The library's file; its number is the version of its interface. */
  String FILE = "libfuse.so.2";

  /** Binds the library. Fails with {@link IOException} where it is not installed. */
  static LibFuse2 load() throws IOException {
    try {
      return LibraryLoader.create(LibFuse2.class).failImmediately().load(FILE);
    } catch (UnsatisfiedLinkError e) {
      throw new IOException("libfuse 2 is not there; install the package libfuse2", e);
    }
  }

  /** Mounts; takes the options that are its own out of {@code args}. A channel, or null. */
  @Nullable Pointer fuse_mount(@In String mountpoint, Pointer args);

  /** Closes the channel and, if it is still mounted, unmounts. */
  void fuse_unmount(@In String mountpoint, Pointer channel);

  void fuse_destroy(Pointer fuse);

  Pointer fuse_get_session(Pointer fuse);

  int fuse_session_exited(Pointer session);

  void fuse_opt_free_args(Pointer args);

  @size_t
  long fuse_chan_bufsize(Pointer channel);

  /** Waits for a request: its length, 0 at the end of the session, or a negative errno. */
  int fuse_chan_recv(Pointer channelInOut, @intptr_t long buffer, @size_t long size);

  /** Carries out one request on the calling thread: the callbacks run inside. */
  void fuse_session_process(
      Pointer session, @intptr_t long buffer, @size_t long length, Pointer channel);
}
