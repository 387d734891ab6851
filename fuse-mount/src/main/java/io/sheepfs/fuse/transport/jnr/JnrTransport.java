package io.sheepfs.fuse.transport.jnr;

import io.sheepfs.fuse.transport.MountRequest;
import io.sheepfs.fuse.transport.MountRequest.PageCache;
import io.sheepfs.fuse.transport.MountSession;
import io.sheepfs.fuse.transport.Transport;
import io.sheepfs.fuse.tree.FileTree;
import java.io.IOException;
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

  @Override
  public String name() {
    return "jnr";
  }

  @Override
  public MountSession mount(MountRequest request, FileTree tree) throws IOException {
    if (request.pageCache() == PageCache.WRITEBACK) {
      throw new IOException("libfuse 2 has no write-back cache; use --transport direct");
    }
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
                + "; its message is above. The directory must be yours, and who is not root needs"
                + " the program fusermount of the package fuse3");
      }
      Pointer fuse = fuseNew.call(channel, arguments, callbacks);
      if (fuse == null) {
        library.fuse_unmount(mountpoint, channel);
        throw new IOException("libfuse refused the options of the mount; its message is above");
      }
      session = new JnrSession(library, request.mountpoint(), channel, fuse, callbacks);
    } finally {
      library.fuse_opt_free_args(arguments.memory());
    }
    session.start();
    return session;
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
