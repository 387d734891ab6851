package io.sheepfs.store;

import io.sheepfs.protocol.VdiSpec;
import java.net.InetAddress;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * How a local store is opened.
 *
 * @param address where the node is said to listen
 * @param port likewise
 * @param zone the failure domain; null takes it from the address, as the original does
 * @param formatIfNew whether a directory that holds no store yet is formatted at once, with the
 *     defaults below; else somebody has to call {@link LocalSheep#format}
 * @param defaultCopies replicas that a VDI is said to have
 * @param defaultBlockSizeShift the object size is {@code 1 << defaultBlockSizeShift} bytes
 * @param maxOpenFiles how many object files are kept open
 * @param clock the time
 */
public record LocalSheepOptions(
    InetAddress address,
    int port,
    @Nullable Integer zone,
    boolean formatIfNew,
    int defaultCopies,
    int defaultBlockSizeShift,
    int maxOpenFiles,
    InstantSource clock) {

  private static final int DEFAULT_PORT = 7000;
  private static final int DEFAULT_OPEN_FILES = 2048;

  public LocalSheepOptions {
    if (maxOpenFiles < 1) {
      throw new IllegalArgumentException("max open files is " + maxOpenFiles);
    }
    VdiSpec unused = new VdiSpec(0, defaultCopies, defaultBlockSizeShift);
    if (unused.copies() == 0 || unused.blockSizeShift() == 0) {
      throw new IllegalArgumentException("the defaults have no defaults: " + unused);
    }
  }

  /** What the embedded store of a mount takes: 127.0.0.1:7000, formatted when it is new. */
  public static LocalSheepOptions defaults() {
    return new LocalSheepOptions(
        InetAddress.getLoopbackAddress(),
        DEFAULT_PORT,
        null,
        true,
        1,
        VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT,
        DEFAULT_OPEN_FILES,
        InstantSource.system());
  }

  /** The same at another address. */
  public LocalSheepOptions withAddress(InetAddress newAddress, int newPort) {
    return new LocalSheepOptions(
        newAddress,
        newPort,
        zone,
        formatIfNew,
        defaultCopies,
        defaultBlockSizeShift,
        maxOpenFiles,
        clock);
  }

  /** The same in another failure domain. */
  public LocalSheepOptions withZone(int newZone) {
    return new LocalSheepOptions(
        address,
        port,
        newZone,
        formatIfNew,
        defaultCopies,
        defaultBlockSizeShift,
        maxOpenFiles,
        clock);
  }

  /** The same, formatting a new directory or not. */
  public LocalSheepOptions withFormatIfNew(boolean format) {
    return new LocalSheepOptions(
        address, port, zone, format, defaultCopies, defaultBlockSizeShift, maxOpenFiles, clock);
  }

  /** The same with another number of files kept open. */
  public LocalSheepOptions withMaxOpenFiles(int count) {
    return new LocalSheepOptions(
        address, port, zone, formatIfNew, defaultCopies, defaultBlockSizeShift, count, clock);
  }

  /** The same with another clock. */
  public LocalSheepOptions withClock(InstantSource newClock) {
    return new LocalSheepOptions(
        address,
        port,
        zone,
        formatIfNew,
        defaultCopies,
        defaultBlockSizeShift,
        maxOpenFiles,
        newClock);
  }
}
