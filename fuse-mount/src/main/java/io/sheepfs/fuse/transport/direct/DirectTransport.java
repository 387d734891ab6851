package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.MountRequest;
import io.sheepfs.fuse.transport.MountRequest.PageCache;
import io.sheepfs.fuse.transport.MountSession;
import io.sheepfs.fuse.transport.Transport;
import io.sheepfs.fuse.tree.FileTree;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The kernel's own FUSE protocol: 1 MiB requests, many workers, no libfuse. */
public final class DirectTransport implements Transport {

  @Override
  public String name() {
    return "direct";
  }

  @Override
  public MountSession mount(MountRequest request, FileTree tree) throws IOException {
    List<String> options = new ArrayList<>();
    options.add("default_permissions");
    if (request.allowOther()) {
      options.add("allow_other");
    }
    FuseDevice device =
        FuseDevice.mount(request.mountpoint(), request.source(), request.readOnly(), options);
    boolean done = false;
    try {
      handshake(device, request.pageCache() == PageCache.WRITEBACK);
      DirectSession session = new DirectSession(device, new Dispatcher(tree, request.pageCache()));
      session.start();
      done = true;
      return session;
    } finally {
      if (!done) {
        device.unmount();
        device.close();
      }
    }
  }

  private static void handshake(FuseDevice device, boolean writeback) throws IOException {
    Message message = new Message();
    try {
      int received;
      do {
        received = message.receive(device.descriptor());
      } while (received == FuseDevice.AGAIN);
      if (received == FuseDevice.UNMOUNTED) {
        throw new IOException("unmounted before the kernel could start it");
      }
      Handshake.answer(message, device.descriptor(), writeback);
    } finally {
      message.free();
    }
  }
}
