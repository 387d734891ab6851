package io.sheepfs.store.sim;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.NodeObjects;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * The objects of a node, as {@link io.sheepfs.store.object.ObjectFiles} keeps them, on a disk that
 * can lose its power: of what was not forced, some is there then and some is not, sector by sector
 * and name by name.
 */
public final class SimDisk implements NodeObjects {

  private static final int SECTOR_BYTES = 512;

  private final Map<ObjectId, File> names = new TreeMap<>();
  private final Map<ObjectId, File> forcedNames = new TreeMap<>();
  private final Set<ObjectId> marked = new TreeSet<>();
  private long fullUntil;
  private long unreadableUntil;
  private long unwritableUntil;

  /** The content of a file. */
  private static final class File {
    private byte[] bytes = {};
    private byte[] forced = {};
    private long writtenAt;
  }

  private void changing(String what) throws SheepException {
    Sim.point();
    if (unwritableUntil > Sim.now()) {
      throw new SheepException(ResultCode.EIO, what + ": the disk refuses");
    }
  }

  private File file(ObjectId oid, String verb) throws SheepException {
    File file = names.get(oid);
    if (file == null) {
      throw new SheepException(ResultCode.NO_OBJ, verb + " of " + oid);
    }
    return file;
  }

  private void checkReadable(ObjectId oid) throws SheepException {
    if (unreadableUntil > Sim.now()) {
      throw new SheepException(ResultCode.EIO, "read of " + oid + ": bad sector");
    }
  }

  private void checkRoom(ObjectId oid, int growth) throws SheepException {
    if (growth > 0 && isFull()) {
      throw new SheepException(ResultCode.NO_SPACE, "write of " + oid);
    }
  }

  private static void put(File file, long offset, ByteBuffer src) {
    int start = (int) offset;
    int end = start + src.remaining();
    if (file.bytes.length < end) {
      file.bytes = Arrays.copyOf(file.bytes, end);
    } else {
      file.bytes = file.bytes.clone();
    }
    src.get(file.bytes, start, src.remaining());
    file.writtenAt = Sim.now();
  }

  private void written(ObjectId oid, File file, Durability durability) {
    marked.add(oid);
    if (durability == Durability.STABLE) {
      Sim.point();
      file.forced = file.bytes;
      forceAllNames();
    }
  }

  private void forceAllNames() {
    forcedNames.clear();
    forcedNames.putAll(names);
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    Sim.point();
    byte[] bytes = file(oid, "read").bytes;
    checkReadable(oid);
    int start = (int) Math.min(offset, bytes.length);
    int length = Math.min(dst.remaining(), bytes.length - start);
    dst.put(bytes, start, length);
    while (dst.hasRemaining()) {
      dst.put((byte) 0);
    }
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    changing("write");
    File file = file(oid, "write");
    checkRoom(oid, (int) offset + src.remaining() - file.bytes.length);
    put(file, offset, src);
    written(oid, file, durability);
  }

  @Override
  public void zero(ObjectId oid, long start, long end, long sizeBytes, Durability durability)
      throws SheepException {
    changing("discard");
    File file = file(oid, "discard");
    if (end >= sizeBytes) {
      file.bytes = Arrays.copyOf(file.bytes, (int) Math.min(start, file.bytes.length));
    } else {
      file.bytes = file.bytes.clone();
      int last = (int) Math.min(end, file.bytes.length);
      Arrays.fill(file.bytes, (int) Math.min(start, last), last, (byte) 0);
    }
    file.writtenAt = Sim.now();
    written(oid, file, durability);
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    changing("creation");
    checkRoom(oid, src.remaining());
    File file = new File();
    put(file, offset, src);
    if (durability == Durability.STABLE || names.containsKey(oid)) {
      Sim.point();
      file.forced = file.bytes;
    }
    names.put(oid, file);
    written(oid, file, durability);
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability) {
    throw new UnsupportedOperationException("the gateway makes copies");
  }

  @Override
  public void force(ObjectId oid) throws SheepException {
    changing("flush");
    File file = file(oid, "flush");
    file.forced = file.bytes;
    forceAllNames();
  }

  @Override
  public void forceNames() throws SheepException {
    changing("flush of names");
    forceAllNames();
  }

  @Override
  public boolean remove(ObjectId oid) throws SheepException {
    changing("removal");
    marked.remove(oid);
    return names.remove(oid) != null;
  }

  @Override
  public boolean exists(ObjectId oid) {
    Sim.point();
    return names.containsKey(oid);
  }

  @Override
  public long storedBytes(ObjectId oid) throws SheepException {
    Sim.point();
    return file(oid, "size").bytes.length;
  }

  @Override
  public List<ObjectId> list() {
    Sim.point();
    return new ArrayList<>(names.keySet());
  }

  @Override
  public List<ObjectId> dataOf(VdiId vid) {
    List<ObjectId> oids = list();
    oids.removeIf(oid -> !oid.isData() || !oid.vid().equals(vid));
    return oids;
  }

  @Override
  public void flush(VdiId vid) throws SheepException {
    ObjectId inode = ObjectId.inode(vid);
    for (ObjectId oid : List.copyOf(marked)) {
      if (oid.vid().equals(vid) && !oid.equals(inode)) {
        forceMarked(oid);
      }
    }
    forceNames();
    forceMarked(inode);
  }

  private void forceMarked(ObjectId oid) throws SheepException {
    if (marked.contains(oid)) {
      changing("flush");
      marked.remove(oid);
      File file = names.get(oid);
      if (file != null) {
        file.forced = file.bytes;
      }
    }
  }

  @Override
  public void flushAll() throws SheepException {
    Set<VdiId> vids = new HashSet<>();
    List.copyOf(marked).forEach(oid -> vids.add(oid.vid()));
    for (ObjectId oid : List.copyOf(marked)) {
      if (vids.remove(oid.vid())) {
        flush(oid.vid());
      }
    }
    forceNames();
  }

  @Override
  public void clear() {
    marked.clear();
  }

  @Override
  public Path file(ObjectId oid) {
    return Path.of("no-such-file", oid.toString());
  }

  // --- what happens to it ---

  /** No file can grow for a while. */
  public void fill(Duration time) {
    fullUntil = Sim.now() + time.toNanos();
  }

  boolean isFull() {
    return fullUntil > Sim.now();
  }

  /** Reads fail for a while. */
  public void hide(Duration time) {
    unreadableUntil = Sim.now() + time.toNanos();
  }

  /** Changes fail for a while. */
  public void refuse(Duration time) {
    unwritableUntil = Sim.now() + time.toNanos();
  }

  /** It works again. */
  public void mend() {
    unwritableUntil = 0;
    fullUntil = 0;
    unreadableUntil = 0;
  }

  /** Turns a bit over, unnoticed, as old disks do. */
  public void flip(ObjectId oid, int byteAt, int bit) {
    change(oid, bytes -> bytes[byteAt] ^= (byte) (1 << bit));
  }

  /** Gives back zeros for the first bytes, likewise. */
  public void zero(ObjectId oid, int count) {
    change(oid, bytes -> Arrays.fill(bytes, 0, Math.min(count, bytes.length), (byte) 0));
  }

  /** Has lost it, likewise. */
  public void lose(ObjectId oid) {
    names.remove(oid);
    forcedNames.remove(oid);
  }

  /** Gives back this, likewise, as after an administrator has copied it there. */
  public void put(ObjectId oid, byte[] content) {
    change(oid, bytes -> System.arraycopy(content, 0, bytes, 0, content.length));
  }

  private void change(ObjectId oid, Consumer<byte[]> change) {
    File file = names.get(oid);
    if (file == null) {
      throw new IllegalStateException("no " + oid);
    }
    boolean isForced = file.forced == file.bytes;
    file.bytes = file.bytes.clone();
    change.accept(file.bytes);
    file.forced = isForced ? file.bytes : file.forced;
  }

  /** Whether everything is durable. */
  boolean isAllSynced() {
    return marked.isEmpty() && names.equals(forcedNames);
  }

  /** Of the objects, those that were written since a time. */
  List<ObjectId> writtenSince(long time) {
    List<ObjectId> found = new ArrayList<>();
    names.forEach(
        (oid, file) -> {
          if (file.writtenAt >= time) {
            found.add(oid);
          }
        });
    return found;
  }

  /** The process is gone; what it did not force is still there, and not forced. */
  void processDied(List<ObjectId> suspects) {
    marked.clear();
    marked.addAll(suspects);
  }

  /** The power is gone. */
  void powerCut() {
    Map<ObjectId, File> left = new HashMap<>();
    Set<ObjectId> all = new TreeSet<>(names.keySet());
    all.addAll(forcedNames.keySet());
    for (ObjectId oid : all) {
      File file = Sim.oneIn(2) ? names.get(oid) : forcedNames.get(oid);
      if (file != null) {
        File torn = new File();
        torn.bytes = torn(file);
        torn.forced = torn.bytes;
        torn.writtenAt = file.writtenAt;
        left.put(oid, torn);
      }
    }
    names.clear();
    names.putAll(left);
    forceAllNames();
    marked.clear();
  }

  private static byte[] torn(File file) {
    if (file.bytes == file.forced || Sim.oneIn(3)) {
      return file.forced;
    }
    byte[] longer = file.bytes.length > file.forced.length ? file.bytes : file.forced;
    int length = Sim.oneIn(2) ? file.bytes.length : file.forced.length;
    byte[] torn = Arrays.copyOf(longer, length);
    for (int at = 0; at < length; at += SECTOR_BYTES) {
      byte[] source = Sim.oneIn(2) ? file.bytes : file.forced;
      for (int i = at; i < Math.min(at + SECTOR_BYTES, length); i++) {
        torn[i] = i < source.length ? source[i] : 0;
      }
    }
    return torn;
  }

  /** What is there, without waiting. */
  public Map<ObjectId, byte[]> content() {
    Map<ObjectId, byte[]> content = new TreeMap<>();
    names.forEach((oid, file) -> content.put(oid, file.bytes));
    return content;
  }
}
