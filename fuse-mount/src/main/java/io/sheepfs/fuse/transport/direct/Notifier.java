package io.sheepfs.fuse.transport.direct;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.fuse.transport.LibC;
import io.sheepfs.fuse.transport.direct.FuseAbi.InvalOut;
import io.sheepfs.fuse.transport.direct.FuseAbi.Notify;
import io.sheepfs.fuse.transport.direct.FuseAbi.OutHeader;
import io.sheepfs.fuse.tree.Directory;
import io.sheepfs.fuse.tree.KernelCache;
import io.sheepfs.fuse.tree.Node;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Tells the kernel, unasked, what to forget. That goes over {@code /dev/fuse}, also where requests
 * come over rings.
 *
 * <pre>
 *   OutHeader (16): length, code of the notification, 0 | what it is about (16 or 24) | name, NUL
 * </pre>
 */
final class Notifier implements KernelCache {

  private final FuseDevice device;
  private final Directory root;

  /** Notifications under way; the descriptor must not be closed, and used for something else. */
  @GuardedBy("this")
  private int underWay;

  @GuardedBy("this")
  private boolean ended;

  Notifier(FuseDevice device, Directory root) {
    this.device = device;
    this.root = root;
  }

  @Override
  public void forgetContent(Node node) throws IOException {
    send(
        Notify.INVAL_INODE,
        InvalOut.INODE_SIZE,
        message -> {
          // from the first byte, and without an end
          message.putLong(OutHeader.SIZE + InvalOut.INODE_INO, number(node));
        });
  }

  @Override
  public void forgetName(Directory parent, String name) throws IOException {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    send(
        Notify.INVAL_ENTRY,
        InvalOut.ENTRY_SIZE + bytes.length + 1,
        message -> {
          message.putLong(OutHeader.SIZE + InvalOut.ENTRY_PARENT, number(parent));
          message.putInt(OutHeader.SIZE + InvalOut.ENTRY_NAMELEN, bytes.length);
          message.put(OutHeader.SIZE + InvalOut.ENTRY_SIZE, bytes);
        });
  }

  private long number(Node node) {
    return node.equals(root) ? FuseAbi.ROOT_ID : node.inode();
  }

  /** What the kernel does not know, it need not forget: it says so, and that is no failure. */
  private void send(int code, int size, Consumer<ByteBuffer> fill) throws IOException {
    if (!begin()) {
      return;
    }
    ByteBuffer message = FuseDevice.pageAligned(Message.PAGE);
    try {
      int length = OutHeader.SIZE + size;
      for (int at = 0; at < length; at++) {
        message.put(at, (byte) 0);
      }
      message.putInt(OutHeader.LEN, length);
      message.putInt(OutHeader.ERROR, code);
      fill.accept(message);
      boolean unusedKnown = FuseDevice.write(device.descriptor(), LibC.address(message), length);
    } finally {
      FuseDevice.free(message);
      done();
    }
  }

  private synchronized boolean begin() {
    if (ended) {
      return false;
    }
    underWay++;
    return true;
  }

  private synchronized void done() {
    underWay--;
    if (ended && underWay == 0) {
      device.close();
    }
  }

  /** Closes the device, when nothing is under way; after that nothing is sent. */
  synchronized void close() {
    ended = true;
    if (underWay == 0) {
      device.close();
    }
  }
}
