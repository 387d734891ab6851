package io.sheepfs.fuse.transport.jnr;

import io.sheepfs.fuse.transport.MountRequest;
import io.sheepfs.fuse.transport.MountRequest.PageCache;
import io.sheepfs.fuse.transport.MountSession;
import io.sheepfs.fuse.transport.Transport;
import io.sheepfs.fuse.tree.FileTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.Pointer;

/**
 * libfuse 2 through jnr-fuse: for kernels whose protocol {@code direct} does not speak. Requests
 * have 128 KiB at most; there is no write-back cache and no SEEK_HOLE, and concurrent writes with
 * O_DIRECT to one file go one after the other.
 */
public final class JnrTransport implements Transport {

  private static final int MAX_REQUEST_BYTES = 131072;
  private static final Path DEVICE = Path.of("/dev/fuse");

  @Override
  public MountSession mount(MountRequest request, FileTree tree) throws IOException {
    if (request.pageCache() == PageCache.WRITEBACK) {
      throw new IOException("libfuse 2 has no write-back cache; use --transport direct");
    }
    checkDevice();
    LibFuse2 library = LibFuse2.load();
    FuseNew fuseNew = FuseNew.find();
    Callbacks callbacks = new Callbacks();
    new Operations(tree, request.pageCache(), JnrSession::isRemoving).install(callbacks);
    String mountpoint = request.mountpoint().toString();
    Arguments arguments = new Arguments(options(request));
    JnrSession session;
    try {
      Pointer channel = library.fuse_mount(mountpoint, arguments.memory());
      if (channel == null) {
        throw new IOException(
            "libfuse cannot mount at "
                + mountpoint
                + "; with -f it says why. Who is not root must own the directory, and needs"
                + " fusermount of the package fuse3");
      }
      Pointer fuse = fuseNew.call(channel, arguments, callbacks);
      if (fuse == null) {
        library.fuse_unmount(mountpoint, channel);
        throw new IOException("libfuse refused the options of the mount; with -f it says which");
      }
      session = new JnrSession(library, request.mountpoint(), channel, fuse, callbacks);
    } finally {
      library.fuse_opt_free_args(arguments.memory());
    }
    session.start();
    return session;
  }

  /** What libfuse would only tell standard error, which nobody sees in the background. */
  private static void checkDevice() throws IOException {
    if (Files.notExists(DEVICE)) {
      throw new IOException("there is no " + DEVICE + " (is the kernel module 'fuse' loaded?)");
    }
    if (!Files.isReadable(DEVICE) || !Files.isWritable(DEVICE)) {
      throw new IOException(
          "no permission to open " + DEVICE + "; libfuse 2 needs it to be open to all (mode 666)");
    }
  }

  private static List<String> options(MountRequest request) {
    List<String> options = new ArrayList<>();
    options.add("default_permissions");
    options.add("nonempty");
    options.add("use_ino");
    options.add("big_writes");
    options.add("atomic_o_trunc");
    options.add("max_read=" + MAX_REQUEST_BYTES);
    options.add("max_write=" + MAX_REQUEST_BYTES);
    options.add("max_readahead=" + MAX_REQUEST_BYTES);
    options.add("max_background=64");
    options.add("congestion_threshold=48");
    options.add("attr_timeout=1");
    options.add("entry_timeout=1");
    options.add("subtype=sheepfs");
    options.add("fsname=" + request.source().replace("\\", "\\\\").replace(",", "\\,"));
    if (request.allowOther()) {
      options.add("allow_other");
    }
    if (request.readOnly()) {
      options.add("ro");
    }
    return List.of("sheepfs", "-o", String.join(",", options));
  }
}
