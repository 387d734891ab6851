package io.sheepfs.cache;

import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
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
  private static final int PAGE_BYTES = 4096;
  private static final byte[] NOTHING = {};
  private static final byte[] ZEROS = new byte[PAGE_BYTES];

  /** A file: a direct buffer, so that words of it can be changed in place. */
  private static final class Content {
    final ByteBuffer now;

    /** Never changed. What it is shorter than the file is zeros. */
    byte[] stable = NOTHING;

    /** From there on the file is zeros, now and on stable storage: they need not be looked at. */
    int used;

    Content(int capacity) {
      this.now = ByteBuffer.allocateDirect(capacity);
      now.limit(0);
    }

    /** Becomes a file of no length. */
    Content clear() {
      for (int at = 0; at < used; at += PAGE_BYTES) {
        now.put(at, ZEROS, 0, Math.min(PAGE_BYTES, used - at));
      }
      now.limit(0);
      used = 0;
      stable = NOTHING;
      return this;
    }

    void use(int to) {
      used = Math.max(used, to);
    }

    FileImage image() {
      return new FileImage(now.limit(), bytes(), stable);
    }

    void restore(FileImage image) {
      clear();
      now.limit(image.length).put(0, image.now);
      used = image.now.length;
      stable = image.stable;
    }

    void force() {
      if (stable.length != used || ByteBuffer.wrap(stable).mismatch(now.slice(0, used)) >= 0) {
        stable = bytes();
      }
    }

    byte[] bytes() {
      byte[] bytes = new byte[used];
      now.get(0, bytes);
      return bytes;
    }
  }

  /** A file at some time. */
  private static final class FileImage {
    final int length;
    final byte[] now;
    final byte[] stable;

    FileImage(int length, byte[] now, byte[] stable) {
      this.length = length;
      this.now = now;
      this.stable = stable;
    }
  }

  /** Of files that are gone, to be used again. */
  private final Queue<Content> freeFiles = new ArrayDeque<>();

  private final Queue<Content> freeMaps = new ArrayDeque<>();
  private final Map<VdiId, Map<Integer, Content>> files = new TreeMap<>();
  private final Map<VdiId, Content> maps = new TreeMap<>();
  private byte @Nullable [] state;
  private byte @Nullable [] quotas;
  private int boot = 1;
  private final int fileBytes;
  private final int mapFileBytes;
  private boolean failing;
  private @Nullable Runnable beforeWrite;
  private @Nullable Runnable beforeStore;

  SimDisk() {
    this(1 << 15);
  }

  /**
   * @param fileBytes how long the file of an object can be
   */
  SimDisk(int fileBytes) {
    this.fileBytes = fileBytes;
    this.mapFileBytes = fileBytes > 1 << 15 ? 1 << 19 : 1 << 17;
  }

  /** Called in the middle of each write to an object file: null for nothing. */
  void setBeforeWrite(@Nullable Runnable action) {
    beforeWrite = action;
  }

  /** Called before each store into a map: null for nothing. */
  void setBeforeStore(@Nullable Runnable action) {
    beforeStore = action;
  }

  private final class WatchedMap extends BlockMap {
    WatchedMap(ByteBuffer chunk, int slotAt, int slot, int index, int blocks) {
      super(chunk, slotAt, slot, index, blocks);
    }

    @Override
    void setWord(int at, long value) {
      watch();
      super.setWord(at, value);
    }

    @Override
    void setHalfWord(int at, int value) {
      watch();
      super.setHalfWord(at, value);
    }

    private void watch() {
      if (beforeStore != null) {
        beforeStore.run();
      }
    }
  }

  @Override
  public BlockMap slot(VdiId vid, ByteBuffer chunk, int slotAt, int slot, int index, int blocks) {
    int bytes = MapFile.SLOT_HEADER_BYTES + 3 * MapFile.bitmapBytes(blocks) + 4 * blocks;
    map(vid).use(PAGE_BYTES + (slot + 1) * ((bytes + 63) & ~63));
    return new WatchedMap(chunk, slotAt, slot, index, blocks);
  }

  /** All there is on the disk now. */
  Image image() {
    Map<VdiId, Map<Integer, FileImage>> fileImages = new TreeMap<>();
    files.forEach(
        (vid, objects) -> {
          Map<Integer, FileImage> images = new TreeMap<>();
          objects.forEach((index, file) -> images.put(index, file.image()));
          fileImages.put(vid, images);
        });
    Map<VdiId, FileImage> mapImages = new TreeMap<>();
    maps.forEach((vid, file) -> mapImages.put(vid, file.image()));
    return new Image(fileImages, mapImages, state);
  }

  /** What was on a disk at some time. */
  static final class Image {
    private final Map<VdiId, Map<Integer, FileImage>> files;
    private final Map<VdiId, FileImage> maps;
    private final byte @Nullable [] state;

    private Image(
        Map<VdiId, Map<Integer, FileImage>> files,
        Map<VdiId, FileImage> maps,
        byte @Nullable [] state) {
      this.files = files;
      this.maps = maps;
      this.state = state;
    }
  }

  /** Makes the disk what it was. Whoever used it must be dead: the files are the same buffers. */
  void restore(Image image) {
    List.copyOf(files.keySet()).forEach(this::deleteVdi);
    List.copyOf(maps.keySet()).forEach(this::deleteVdi);
    image.files.forEach(
        (vid, images) -> images.forEach((index, saved) -> content(vid, index).restore(saved)));
    image.maps.forEach((vid, saved) -> map(vid).restore(saved));
    state = image.state;
  }

  private Content content(VdiId vid, int index) {
    return files
        .computeIfAbsent(vid, key -> new TreeMap<>())
        .computeIfAbsent(index, key -> taken(freeFiles, fileBytes));
  }

  private Content map(VdiId vid) {
    return maps.computeIfAbsent(vid, key -> taken(freeMaps, mapFileBytes));
  }

  private static Content taken(Queue<Content> free, int capacity) {
    Content content = free.poll();
    return content == null ? new Content(capacity) : content;
  }

  private static void give(Queue<Content> free, @Nullable Content content) {
    if (content != null) {
      free.add(content.clear());
    }
  }

  /** From now on writes to object files fail, half done. */
  void setFailing(boolean fails) {
    failing = fails;
  }

  /** How long the maps of a VDI are, without the zeros at their end. */
  int usedMapBytes(VdiId vid) {
    return map(vid).used;
  }

  /** Changes one bit of the file of an object, also on stable storage. */
  void flipFile(VdiId vid, int index, int bit) {
    flip(content(vid, index), bit);
  }

  /** Likewise, of the maps of a VDI. */
  void flipMaps(VdiId vid, int bit) {
    flip(map(vid), bit);
  }

  /** Likewise, of the state record. */
  void flipState(int bit) {
    byte[] changed = Objects.requireNonNull(state).clone();
    changed[bit / 8 % changed.length] ^= (byte) (1 << bit % 8);
    state = changed;
  }

  private static void flip(Content file, int bit) {
    int at = bit / 8;
    file.now.put(at, (byte) (file.now.get(at) ^ 1 << bit % 8));
    file.use(at + 1);
    file.force();
  }

  /** Loses a random part of what was not forced. */
  void reboot(Random random) {
    boot++;
    files.values().forEach(objects -> objects.values().forEach(file -> tear(file, random)));
    maps.values().forEach(file -> tear(file, random));
  }

  private static void tear(Content file, Random random) {
    int length = file.used;
    byte[] stable = Arrays.copyOf(file.stable, length);
    for (int page = 0; page < length; page += PAGE_BYTES) {
      int end = Math.min(length, page + PAGE_BYTES);
      ByteBuffer before = ByteBuffer.wrap(stable, page, end - page);
      if (before.mismatch(file.now.slice(page, end - page)) < 0) {
        continue;
      }
      for (int at = page; at < end; at += SECTOR_BYTES) {
        int count = Math.min(SECTOR_BYTES, end - at);
        if (random.nextBoolean()) {
          file.now.put(at, stable, at, count);
        } else {
          file.now.get(at, stable, at, count);
        }
      }
    }
    file.stable = stable;
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
    Content content = content(vid, index);
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
        if (beforeWrite != null) {
          // A process dies between pages: the kernel copies each whole.
          put(src, position, src.remaining() / 2 & -BlockMap.BLOCK_BYTES);
          beforeWrite.run();
        }
        put(src, position, length);
        src.position(src.position() + length);
        if (failing) {
          throw new IOException("injected: no space left on device");
        }
      }

      private void put(ByteBuffer src, long position, int length) {
        int end = (int) position + length;
        content.now.limit(Math.max(content.now.limit(), end));
        content.use(end);
        content.now.put((int) position, src, src.position(), length);
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
    give(freeFiles, files.getOrDefault(vid, new TreeMap<>()).remove(index));
  }

  @Override
  public void deleteVdi(VdiId vid) {
    Map<Integer, Content> objects = files.remove(vid);
    if (objects != null) {
      objects.values().forEach(content -> give(freeFiles, content));
    }
    give(freeMaps, maps.remove(vid));
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
    Content content = map(vid);
    int end = (int) position + length;
    content.use(PAGE_BYTES); // its head; of the rest only slots are written
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
