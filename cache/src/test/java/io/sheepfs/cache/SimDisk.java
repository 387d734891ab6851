package io.sheepfs.cache;

import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory that plays crashes, reboots and failures. Every page of every file has its
 * content now and its content on stable storage; a reboot leaves of each page the one, the other,
 * or sectors of both. Not for many threads.
 */
final class SimDisk implements CacheDisk {

  private static final int SECTOR_BYTES = 512;

  /** A file: a direct buffer, so that words of it can be changed in place. */
  private static final class Content {
    ByteBuffer now;
    byte[] stable = new byte[0];

    Content(int capacity) {
      this.now = ByteBuffer.allocateDirect(capacity);
      now.limit(0);
    }

    void force() {
      stable = bytes();
    }

    byte[] bytes() {
      byte[] bytes = new byte[now.limit()];
      now.get(0, bytes);
      return bytes;
    }
  }

  private final Map<VdiId, Map<Integer, Content>> files = new TreeMap<>();
  private final Map<VdiId, Content> maps = new TreeMap<>();
  private byte @Nullable [] state;
  private byte @Nullable [] quotas;
  private int boot = 1;
  private final int fileBytes;
  private boolean failing;

  SimDisk() {
    this(1 << 15);
  }

  /**
   * @param fileBytes how long the file of an object can be
   */
  SimDisk(int fileBytes) {
    this.fileBytes = fileBytes;
  }

  /** From now on writes to object files fail, half done. */
  void setFailing(boolean fails) {
    failing = fails;
  }

  /** Loses a random part of what was not forced. */
  void reboot(Random random) {
    boot++;
    files.values().forEach(objects -> objects.values().forEach(file -> tear(file, random)));
    maps.values().forEach(file -> tear(file, random));
  }

  private static void tear(Content file, Random random) {
    byte[] stable = Arrays.copyOf(file.stable, file.now.limit());
    for (int at = 0; at < stable.length; at += SECTOR_BYTES) {
      if (random.nextBoolean()) {
        file.now.put(at, stable, at, Math.min(SECTOR_BYTES, stable.length - at));
      }
    }
    file.force();
  }

  @Override
  public String bootId() {
    return "boot-" + boot;
  }

  @Override
  public byte @Nullable [] readState() {
    return state;
  }

  @Override
  public void writeState(byte[] newState) {
    state = newState.clone();
  }

  @Override
  public byte @Nullable [] readQuotas() {
    return quotas;
  }

  @Override
  public void writeQuotas(byte[] newQuotas) {
    quotas = newQuotas.clone();
  }

  @Override
  public List<VdiId> vdis() {
    List<VdiId> vdis = new ArrayList<>(maps.keySet());
    files.keySet().stream().filter(vid -> !maps.containsKey(vid)).forEach(vdis::add);
    return vdis;
  }

  @Override
  public List<Integer> objects(VdiId vid) {
    return new ArrayList<>(files.getOrDefault(vid, Map.of()).keySet());
  }

  @Override
  public ObjectFile open(VdiId vid, int index) {
    Content content =
        files
            .computeIfAbsent(vid, key -> new TreeMap<>())
            .computeIfAbsent(index, key -> new Content(fileBytes));
    return new ObjectFile() {
      @Override
      public void read(ByteBuffer dst, long position) throws IOException {
        if (position + dst.remaining() > content.now.limit()) {
          throw new IOException("ends before");
        }
        int length = dst.remaining();
        dst.put(dst.position(), content.now, (int) position, length);
        dst.position(dst.position() + length);
      }

      @Override
      public void write(ByteBuffer src, long position) throws IOException {
        int length = failing ? src.remaining() / 2 : src.remaining();
        int end = (int) position + length;
        content.now.limit(Math.max(content.now.limit(), end));
        content.now.put((int) position, src, src.position(), length);
        src.position(src.position() + length);
        if (failing) {
          throw new IOException("injected: no space left on device");
        }
      }

      @Override
      public void force() {
        content.force();
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public void delete(VdiId vid, int index) {
    files.getOrDefault(vid, new TreeMap<>()).remove(index);
  }

  @Override
  public void deleteVdi(VdiId vid) {
    files.remove(vid);
    maps.remove(vid);
  }

  @Override
  public void quarantine(VdiId vid) {
    deleteVdi(vid);
  }

  @Override
  public long mapBytes(VdiId vid) {
    Content content = maps.get(vid);
    return content == null ? 0 : content.now.limit();
  }

  @Override
  public ByteBuffer map(VdiId vid, long position, int length) {
    Content content =
        maps.computeIfAbsent(vid, key -> new Content(fileBytes > 1 << 15 ? 1 << 19 : 1 << 17));
    int end = (int) position + length;
    content.now.limit(Math.max(content.now.limit(), end));
    return content.now.slice((int) position, length);
  }

  @Override
  public void forceMaps(VdiId vid) {
    Content content = maps.get(vid);
    if (content != null) {
      content.force();
    }
  }

  @Override
  public void probe() throws IOException {
    if (failing) {
      throw new IOException("injected: no space left on device");
    }
  }

  @Override
  public long freeBytes() {
    return 1L << 40;
  }

  @Override
  public void close() {}
}
