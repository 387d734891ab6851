package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How a VDI becomes a block device: a driver of the kernel, and the process of ours that it talks
 * to. Each device has a folder of its own for what that process needs.
 */
sealed interface Driver permits LoopDriver, NbdDriver {

  /**
   * Starts the process and makes the device. After an exception, {@link #release} removes what
   * there is.
   *
   * @param folder the device's own
   */
  Device attach(int id, Path folder, Target target, MapOptions options) throws IOException;

  /** The kernel's side of a device. */
  KernelDevice kernelDevice(Device device);

  /** Whether the kernel's device is still ours, and the process behind it is there. */
  boolean isAlive(Device device, Path folder) throws IOException;

  /**
   * Takes a device apart, with all its data safe in the cluster.
   *
   * @param device null if it did not get that far
   * @param force whether to do so though somebody uses it
   * @throws IOException if it is still used, or cannot be taken apart
   */
  void release(@Nullable Device device, Path folder, boolean force) throws IOException;
}
