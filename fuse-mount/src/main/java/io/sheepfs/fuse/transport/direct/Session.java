package io.sheepfs.fuse.transport.direct;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.fuse.transport.MountSession;
import io.sheepfs.fuse.tree.KernelCache;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One mount, and the crews that serve it: one for {@code /dev/fuse}, and one for each queue of
 * {@link Rings}, if there are any. Then only INIT, FORGET and INTERRUPT come over the device.
 */
final class Session implements MountSession {

  private static final Logger log = LoggerFactory.getLogger(Session.class);

  /** More than max_background of the handshake, so that a flush never keeps reads waiting. */
  private static final Crew.Size DEVICE_CREW = new Crew.Size(1, 96, 1, 20);

  private final FuseDevice device;
  private final Dispatcher dispatcher;
  private final Notifier notifier;

  @GuardedBy("this")
  private final List<Crew> crews = new ArrayList<>();

  @GuardedBy("this")
  private int workers;

  @GuardedBy("this")
  private @Nullable IOException failure;

  Session(FuseDevice device, Dispatcher dispatcher, Notifier notifier) {
    this.device = device;
    this.dispatcher = dispatcher;
    this.notifier = notifier;
  }

  /** Serves the device. */
  void start() throws IOException {
    add(
        new Crew(
            "fuse",
            DEVICE_CREW,
            () -> new DeviceMessage(device.cloneDescriptor(), device::closeClone),
            this));
  }

  /** Serves a further source of requests. */
  void add(Crew crew) throws IOException {
    synchronized (this) {
      crews.add(crew);
    }
    crew.start();
  }

  void handle(Message message) throws IOException {
    dispatcher.handle(message);
  }

  synchronized void workerStarts() {
    workers++;
  }

  synchronized void workerEnded() {
    workers--;
    if (workers == 0) {
      // Nobody reads it any more; as long as it is open, the kernel keeps the session.
      notifier.close();
      notifyAll();
    }
  }

  /** The kernel says that there is no mount any more. */
  void gone() {
    device.gone();
  }

  /** Without a session that works, programs would hang: so the mount goes. */
  void fail(Exception e) {
    log.error("The session at {} broke; unmounting", device.mountpoint(), e);
    synchronized (this) {
      if (failure == null) {
        failure = e instanceof IOException io ? io : new IOException(e);
      }
    }
    try {
      device.unmount();
    } catch (IOException unmountFailure) {
      log.error("Cannot unmount {}", device.mountpoint(), unmountFailure);
    }
  }

  @Override
  public synchronized String transport() {
    return crews.size() > 1 ? "uring" : "direct";
  }

  @Override
  public KernelCache kernelCache() {
    return notifier;
  }

  @Override
  public synchronized void awaitEnd() throws IOException, InterruptedException {
    while (workers > 0) {
      wait();
    }
    if (failure != null) {
      throw failure;
    }
  }

  @Override
  public void unmount() throws IOException {
    device.unmount();
  }
}
