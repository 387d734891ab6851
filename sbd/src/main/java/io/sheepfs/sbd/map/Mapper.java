package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Maps VDIs to block devices of this machine, and unmaps them. There is no daemon but the process
 * of each device; what is mapped is read from {@link DeviceTable} and from the kernel each time, so
 * any number of these may come and go.
 */
public final class Mapper {

  private static final Logger log = LoggerFactory.getLogger(Mapper.class);

  private final DeviceTable table;
  private final LoopDriver loop;
  private final NbdDriver nbd;
  private final Consumer<String> console;

  /**
   * A mapper.
   *
   * @param directory where it is remembered what is mapped
   * @param links where the names of the devices are: /dev
   * @param programs where our programs are; null if they are found by the search path
   * @param console takes what a person should know besides the result
   */
  public Mapper(Path directory, Path links, @Nullable Path programs, Consumer<String> console) {
    this.table = new DeviceTable(directory, links);
    this.loop = new LoopDriver(program(programs, "sheepfs"));
    this.nbd = new NbdDriver(program(programs, "sbd"));
    this.console = console;
  }

  private static Path program(@Nullable Path programs, String name) {
    return programs == null ? Path.of(name) : programs.resolve(name);
  }

  private Driver driver(Device device) {
    return device.driver().equals(Device.NBD) ? nbd : loop;
  }

  private KernelDevice kernelDevice(Device device) {
    return driver(device).kernelDevice(device);
  }

  private boolean isAlive(Device device) throws IOException {
    return driver(device).isAlive(device, table.path(device.id()));
  }

  private void link(Device device) throws IOException {
    table.link(device, kernelDevice(device).partitions());
  }

  /** How a device is. */
  public enum State {
    IDLE,
    IN_USE,
    /** What was behind it has died; its next user will be told of errors. */
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
    Driver driver = options.nbd() ? nbd : loop;
    boolean done = false;
    try {
      Files.createDirectories(table.path(id));
      Device device = driver.attach(id, table.path(id), target, options);
      table.save(device);
      link(device);
      done = true;
      return table.link(id, "");
    } finally {
      if (!done) {
        driver.release(null, table.path(id), false);
        table.forget(id);
      }
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
    List<String> users = kernelDevice(device).users();
    if (!users.isEmpty() && !force) {
      throw new IOException(
          table.link(device.id(), "") + " is in use by " + String.join(", ", users));
    }
    release(device, force);
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

  private void release(Device device, boolean force) throws IOException {
    driver(device).release(device, table.path(device.id()), force);
    table.forget(device.id());
  }

  /**
   * Takes away what was left: devices whose mount has died, and those of commands that were killed
   * half way.
   */
  private void cleanUp() throws IOException {
    for (int id : table.ids()) {
      Device device = table.isWhole(id) ? table.device(id) : null;
      if (device != null && isAlive(device)) {
        link(device);
        continue;
      }
      console.accept("removing what is left of " + table.link(id, ""));
      if (device == null) {
        loop.release(null, table.path(id), true);
        nbd.release(null, table.path(id), true);
        table.forget(id);
        continue;
      }
      for (String user : kernelDevice(device).users()) {
        console.accept(device.node() + " is dead, but still used by " + user);
      }
      release(device, true);
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
    KernelDevice kernelDevice = kernelDevice(device);
    boolean dead = !isAlive(device);
    List<String> users = kernelDevice.users();
    State state = dead ? State.DEAD : users.isEmpty() ? State.IDLE : State.IN_USE;
    Path link = table.link(device.id(), "");
    return new Status(device, link, state, dead ? 0 : kernelDevice.sizeBytes(), users);
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
