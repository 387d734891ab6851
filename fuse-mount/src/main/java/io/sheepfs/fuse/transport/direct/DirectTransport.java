package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.MountRequest;
import io.sheepfs.fuse.transport.MountRequest.PageCache;
import io.sheepfs.fuse.transport.MountSession;
import io.sheepfs.fuse.transport.Transport;
import io.sheepfs.fuse.tree.FileTree;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The kernel's own FUSE protocol: 1 MiB requests, many workers, no libfuse. */
public final class DirectTransport implements Transport {

  private static final Logger log = LoggerFactory.getLogger(DirectTransport.class);

  private final boolean rings;

  private DirectTransport(boolean rings) {
    this.rings = rings;
  }

  /** Requests are read from {@code /dev/fuse}, and replies written to it. */
  public static Transport device() {
    return new DirectTransport(false);
  }

  /**
   * Requests and replies go over io_uring, which is faster for small ones. Where the kernel does
   * not have that, or does not allow it, it is {@link #device}, and the log says why.
   */
  public static Transport rings() {
    return new DirectTransport(true);
  }

  @Override
  public MountSession mount(MountRequest request, FileTree tree) throws IOException {
    if (rings) {
      String impediment = Rings.impediment();
      if (impediment == null) {
        try {
          return mount(request, tree, true);
        } catch (IOException e) {
          impediment = e.getMessage();
        }
      }
      log.info("No FUSE over io_uring, /dev/fuse instead: {}", impediment);
    }
    return mount(request, tree, false);
  }

  private static MountSession mount(MountRequest request, FileTree tree, boolean rings)
      throws IOException {
    List<String> options = new ArrayList<>();
    options.add("default_permissions");
    if (request.allowOther()) {
      options.add("allow_other");
    }
    FuseDevice device =
        FuseDevice.mount(request.mountpoint(), request.source(), request.readOnly(), options);
    Session session =
        new Session(
            device, new Dispatcher(tree, request.pageCache()), new Notifier(device, tree.root()));
    boolean served = false;
    boolean done = false;
    try {
      Handshake agreed = handshake(device, request.pageCache() == PageCache.WRITEBACK, rings);
      session.start();
      served = true;
      ReadAheadWindow.widen(request.mountpoint());
      if (agreed.rings()) {
        Rings.serve(session, device);
      } else if (rings) {
        throw new IOException("the kernel did not offer it");
      }
      done = true;
      return session;
    } finally {
      if (!done) {
        device.unmount();
        if (!served) {
          device.close();
        }
      }
    }
  }

  private static Handshake handshake(FuseDevice device, boolean writeback, boolean rings)
      throws IOException {
    Message message = new DeviceMessage(device.descriptor(), kept -> {});
    try {
      int received;
      do {
        received = message.receive();
      } while (received == FuseDevice.AGAIN);
      if (received == FuseDevice.UNMOUNTED) {
        throw new IOException("unmounted before the kernel could start it");
      }
      return Handshake.answer(message, writeback, rings);
    } finally {
      message.free();
    }
  }
}
