package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's NBD client, connected to a private NBD server.
 *
 * @param sbd the program that serves
 */
record NbdDriver(Path sbd) implements Driver {

  @Override
  public Device attach(int id, Path folder, Target target, MapOptions options) throws IOException {
    NbdDevice.requireKernel();
    PrivateServer server = server(folder);
    server.start(sbd, target, options, folder.resolve("log"));
    NbdDevice device = NbdDevice.connect(server.socket(), target, options.timeout());
    return new Device(
        id,
        target,
        device.isReadOnly(),
        Device.NBD,
        device.node(),
        server.socket().toString(),
        device.session());
  }

  @Override
  public NbdDevice kernelDevice(Device device) {
    return new NbdDevice(device.node());
  }

  @Override
  public boolean isAlive(Device device, Path folder) {
    return isConnected(device) && server(folder).isRunning();
  }

  private boolean isConnected(Device device) {
    return device.session().equals(kernelDevice(device).session());
  }

  /** By force, who uses the device is cut off: NBD knows no other way. */
  @Override
  public void release(@Nullable Device device, Path folder, boolean force) throws IOException {
    PrivateServer server = server(folder);
    if (device != null && isConnected(device)) {
      NbdDevice nbd = kernelDevice(device);
      if (server.isRunning() && !device.readOnly()) {
        nbd.flush();
      }
      nbd.disconnect();
    }
    server.end();
  }

  private static PrivateServer server(Path folder) {
    return new PrivateServer(folder.resolve("socket"));
  }
}
