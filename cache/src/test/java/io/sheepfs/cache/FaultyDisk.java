package io.sheepfs.cache;

import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** A disk of which some operations fail for a while. Safe for any number of threads. */
final class FaultyDisk implements CacheDisk {

  /** What can fail. */
  enum Operation {
    OPEN,
    READ,
    WRITE,
    MAP,
    DELETE,
    RECORD,
    PROBE
  }

  private final CacheDisk disk;
  private volatile Set<Operation> failing = EnumSet.noneOf(Operation.class);
  private volatile String message = "";
  private volatile @Nullable LongSupplier free;

  FaultyDisk(CacheDisk disk) {
    this.disk = disk;
  }

  /** From now on exactly these fail. */
  void fail(String why, Set<Operation> operations) {
    message = why;
    failing = operations;
  }

  private void check(Operation operation) throws IOException {
    if (failing.contains(operation)) {
      throw new IOException("injected: " + message);
    }
  }

  @Override
  public String bootId() throws IOException {
    return disk.bootId();
  }

  @Override
  public byte @Nullable [] readState() throws IOException {
    return disk.readState();
  }

  @Override
  public void writeState(byte[] state) throws IOException {
    check(Operation.RECORD);
    disk.writeState(state);
  }

  @Override
  public byte @Nullable [] readQuotas() throws IOException {
    return disk.readQuotas();
  }

  @Override
  public void writeQuotas(byte[] quotas) throws IOException {
    check(Operation.RECORD);
    disk.writeQuotas(quotas);
  }

  @Override
  public List<VdiId> vdis() throws IOException {
    return disk.vdis();
  }

  @Override
  public List<Integer> objects(VdiId vid) throws IOException {
    return disk.objects(vid);
  }

  @Override
  public ObjectFile open(VdiId vid, int index) throws IOException {
    check(Operation.OPEN);
    ObjectFile file = disk.open(vid, index);
    return new ObjectFile() {
      @Override
      public void read(ByteBuffer dst, long position) throws IOException {
        check(Operation.READ);
        file.read(dst, position);
      }

      @Override
      public void write(ByteBuffer src, long position) throws IOException {
        check(Operation.WRITE);
        file.write(src, position);
      }

      @Override
      public void force() throws IOException {
        file.force();
      }

      @Override
      public void close() throws IOException {
        file.close();
      }
    };
  }

  @Override
  public void delete(VdiId vid, int index) throws IOException {
    check(Operation.DELETE);
    disk.delete(vid, index);
  }

  @Override
  public void deleteVdi(VdiId vid) throws IOException {
    check(Operation.DELETE);
    disk.deleteVdi(vid);
  }

  @Override
  public void quarantine(VdiId vid) throws IOException {
    disk.quarantine(vid);
  }

  @Override
  public long mapBytes(VdiId vid) throws IOException {
    return disk.mapBytes(vid);
  }

  @Override
  public ByteBuffer map(VdiId vid, long position, int length) throws IOException {
    check(Operation.MAP);
    return disk.map(vid, position, length);
  }

  @Override
  public void forceMaps(VdiId vid) throws IOException {
    disk.forceMaps(vid);
  }

  @Override
  public void probe() throws IOException {
    check(Operation.PROBE);
    disk.probe();
  }

  /** From now on this is what is free; null for what is. */
  void setFree(@Nullable LongSupplier bytes) {
    free = bytes;
  }

  @Override
  public long freeBytes() throws IOException {
    LongSupplier bytes = free;
    return bytes == null ? disk.freeBytes() : bytes.getAsLong();
  }

  @Override
  public void close() throws IOException {
    disk.close();
  }
}
