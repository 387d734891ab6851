package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Maps VDIs to block devices of this machine, and unmaps them. There is no daemon but the sheepfs
 * process of each device; what is mapped is read from {@link DeviceTable} and from the kernel each
 * time, so any number of these may come and go.
 */
public final class Mapper {

  private static final Logger log = LoggerFactory.getLogger(Mapper.class);

  private final DeviceTable table;
  private final Path sheepfs;
  private final Consumer<String> console;

  /**
   * A mapper.
   *
   * @param directory where it is remembered what is mapped
   * @param links where the names of the devices are: /dev
   * @param sheepfs the program that mounts
   * @param console takes what a person should know besides the result
   */
  public Mapper(Path directory, Path links, Path sheepfs, Consumer<String> console) {
    this.table = new DeviceTable(directory, links);
    this.sheepfs = sheepfs;
    this.console = console;
  }

  /** How a device is. */
  public enum State {
    IDLE,
    IN_USE,
    /** Its mount has died; its next user will be told of errors. */
    DEAD
  }

  /**
   * A device and how it is.
   *
   * @param link its stable name
   * @param users who uses it, in words
   */
  public record Status(Device device, Path link, State state, long sizeBytes, List<String> users) {}

  /**
   * Maps a target. One that is mapped already stays as it is.
   *
   * @return the stable name of its device
   */
  public Path map(Target target, MapOptions options) throws IOException {
    return table.locked(
        () -> {
          cleanUp();
          for (Device device : table.devices()) {
            if (device.target().equals(target)) {
              console.accept(target + " is mapped already");
              return table.link(device.id(), "");
            }
          }
          Integer wanted = options.id();
          int id = wanted == null ? table.freeId() : wanted;
          if (!table.isFree(id)) {
            throw new IOException(table.link(id, "") + " is taken");
          }
          return mapAs(id, target, options);
        });
  }

  private Path mapAs(int id, Target target, MapOptions options) throws IOException {
    PrivateMount mount = table.mount(id);
    boolean done = false;
    try {
      Files.createDirectories(table.path(id));
      mount.start(sheepfs, target, options, table.path(id).resolve("log"));
      Path file = target.fileIn(table.path(id).resolve("mnt"));
      if (file == null) {
        throw new IOException("there is no " + target);
      }
      boolean frozen = options.readOnly() || !file.startsWith(table.path(id).resolve("mnt/volume"));
      LoopDevice loop = attach(target, file, frozen);
      Device device = new Device(id, target, frozen, loop.node(), file.toString());
      table.save(device);
      table.link(device);
      done = true;
      return table.link(id, "");
    } finally {
      if (!done) {
        release(id, null, false);
      }
    }
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

  /**
   * Unmaps a device, with all its data safe in the cluster.
   *
   * @param which its number, its name or the name of what it shows
   * @param force whether to do so though it is used: then its names go at once, and the rest when
   *     the last user has closed it
   */
  public void unmap(String which, boolean force) throws IOException {
    Device gone =
        table.locked(
            () -> {
              Device device = find(which);
              cleanUp(); // which may be all that is left to do
              return table.isWhole(device.id()) ? unmapLocked(device, force) : device;
            });
    log.debug("{} is unmapped", gone);
  }

  private Device unmapLocked(Device device, boolean force) throws IOException {
    List<String> users = new LoopDevice(device.node()).users();
    if (!users.isEmpty() && !force) {
      throw new IOException(
          table.link(device.id(), "") + " is in use by " + String.join(", ", users));
    }
    release(device.id(), device, force);
    return device;
  }

  /** Unmaps all that is mapped. Returns whether nothing is left. */
  public boolean unmapAll(boolean force) throws IOException {
    return table.locked(
        () -> {
          cleanUp();
          boolean all = true;
          for (Device device : table.devices()) {
            try {
              log.debug("{} is unmapped", unmapLocked(device, force));
            } catch (IOException e) {
              console.accept(String.valueOf(e.getMessage()));
              all = false;
            }
          }
          return all;
        });
  }

  /** Takes a device apart: loop device, mount, names, memory. */
  private void release(int id, @Nullable Device device, boolean force) throws IOException {
    PrivateMount mount = table.mount(id);
    boolean free = true;
    if (device != null) {
      LoopDevice loop = new LoopDevice(device.node());
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
    Files.deleteIfExists(table.path(id).resolve("mnt"));
    table.forget(id);
  }

  /** The kernel's loop closes its file without a flush that anybody could wait for. */
  private static void force(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /**
   * Takes away what was left: devices whose mount has died, and those of commands that were killed
   * half way.
   */
  private void cleanUp() throws IOException {
    for (int id : table.ids()) {
      Device device = table.isWhole(id) ? table.device(id) : null;
      if (device != null
          && new LoopDevice(device.node()).isOver(device.file())
          && !table.mount(id).isDead()) {
        table.link(device);
        continue;
      }
      console.accept("removing what is left of " + table.link(id, ""));
      if (device != null) {
        for (String user : new LoopDevice(device.node()).users()) {
          console.accept(device.node() + " is dead, but still used by " + user);
        }
      }
      release(id, device, true);
    }
  }

  /** What is mapped, by number. */
  public List<Status> list() throws IOException {
    List<Status> all = new ArrayList<>();
    for (Device device : table.devices()) {
      all.add(status(device));
    }
    return all;
  }

  /** How one device is. */
  public Status status(String which) throws IOException {
    return status(find(which));
  }

  private Status status(Device device) throws IOException {
    LoopDevice loop = new LoopDevice(device.node());
    boolean dead = !loop.isOver(device.file()) || table.mount(device.id()).isDead();
    List<String> users = loop.users();
    State state = dead ? State.DEAD : users.isEmpty() ? State.IDLE : State.IN_USE;
    Path link = table.link(device.id(), "");
    return new Status(device, link, state, dead ? 0 : loop.sizeBytes(), users);
  }

  private Device find(String which) throws IOException {
    List<Device> found = new ArrayList<>();
    for (Device device : table.devices()) {
      String id = Integer.toString(device.id());
      if (which.equals(id)
          || which.equals("sbd" + id)
          || which.equals(table.link(device.id(), "").toString())) {
        return device;
      }
      if (which.equals(device.target().name())) {
        found.add(device);
      }
    }
    if (found.size() == 1) {
      return found.get(0);
    }
    throw new IOException(
        found.isEmpty()
            ? which + " is not mapped"
            : which + " is mapped from several clusters; say which by its number");
  }
}
