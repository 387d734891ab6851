package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * A loop device over the VDI's file in a private mount.
 *
 * @param sheepfs the program that mounts
 */
record LoopDriver(Path sheepfs) implements Driver {

  @Override
  public Device attach(int id, Path folder, Target target, MapOptions options) throws IOException {
    mount(folder).start(sheepfs, target, options, folder.resolve("log"));
    Path mountpoint = mountpoint(folder);
    Path file = target.fileIn(mountpoint);
    if (file == null) {
      throw new IOException("there is no " + target);
    }
    boolean frozen = options.readOnly() || !file.startsWith(mountpoint.resolve("volume"));
    LoopDevice loop = attach(target, file, frozen);
    return new Device(id, target, frozen, Device.LOOP, loop.node(), file.toString(), "");
  }

  private static LoopDevice attach(Target target, Path file, boolean readOnly) throws IOException {
    try {
      return LoopDevice.attach(file, readOnly);
    } catch (IOException e) {
      String said = String.valueOf(e.getMessage());
      if (said.contains("busy")) {
        throw new IOException(target + " is being written elsewhere (" + said + ")", e);
      }
      throw e;
    }
  }

  @Override
  public LoopDevice kernelDevice(Device device) {
    return new LoopDevice(device.node());
  }

  @Override
  public boolean isAlive(Device device, Path folder) throws IOException {
    return kernelDevice(device).isOver(device.file()) && !mount(folder).isDead();
  }

  /** By force, the loop device and the mount go with their last user. */
  @Override
  public void release(@Nullable Device device, Path folder, boolean force) throws IOException {
    PrivateMount mount = mount(folder);
    boolean free = true;
    if (device != null) {
      LoopDevice loop = kernelDevice(device);
      if (loop.isOver(device.file())) {
        free = loop.detach();
        if (!free && !force) {
          throw new IOException(device.node() + " is still in use; it goes with its last user");
        }
      }
      if (free && mount.isMounted() && !mount.isDead() && !device.readOnly()) {
        force(Path.of(device.file()));
      }
    }
    mount.unmount(!free || mount.isDead());
    Files.deleteIfExists(mountpoint(folder));
  }

  /** The kernel's loop closes its file without a flush that anybody could wait for. */
  private static void force(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static Path mountpoint(Path folder) {
    return folder.resolve("mnt");
  }

  private static PrivateMount mount(Path folder) {
    return new PrivateMount(mountpoint(folder));
  }
}
