package io.sheepfs.store;

import io.sheepfs.store.object.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Remembers what of a store was forced, and makes the disk that a power cut may leave: of
 * everything that was not forced, some is there and some is not, page by page and name by name.
 */
final class PowerCutDisk implements Disk.ChangeListener {

  private static final int PAGE_BYTES = 4096;

  private final Path root;
  private final Map<Object, byte[]> forcedContent = new HashMap<>();
  private final Map<Path, Map<String, Object>> forcedNames = new HashMap<>();
  private int changesLeft = Integer.MAX_VALUE;

  PowerCutDisk(Path root) {
    this.root = root;
  }

  /** Counts what is there now as forced. */
  void forceAll() throws IOException {
    for (Path directory : directories()) {
      for (Path file : files(directory)) {
        forcedContent.put(key(file), Files.readAllBytes(file));
      }
      forceNames(directory);
    }
  }

  /** Lets a number of changes through, then none: the power is off. */
  void cutAfter(int changes) {
    changesLeft = changes;
  }

  boolean isOff() {
    return changesLeft < 0;
  }

  @Override
  public synchronized void beforeChange(Disk.Change change, Path path) throws IOException {
    if (--changesLeft < 0) {
      changesLeft = -1;
      throw new IOException("no power");
    }
    if (change == Disk.Change.FORCE && Files.exists(path)) {
      forcedContent.put(key(path), Files.readAllBytes(path));
    } else if (change == Disk.Change.FORCE_DIRECTORY) {
      forceNames(path);
    }
  }

  private void forceNames(Path directory) throws IOException {
    Map<String, Object> names = new HashMap<>();
    for (Path file : files(directory)) {
      names.put(String.valueOf(file.getFileName()), key(file));
    }
    forcedNames.put(directory, names);
  }

  private List<Path> directories() {
    return List.of(root, root.resolve("obj"), root.resolve("epoch"));
  }

  private static List<Path> files(Path directory) throws IOException {
    try (var entries = Files.list(directory)) {
      return entries.filter(Files::isRegularFile).toList();
    }
  }

  private static Object key(Path file) throws IOException {
    return Objects.requireNonNull(
        Files.readAttributes(file, BasicFileAttributes.class).fileKey(), "file key");
  }

  /** Makes the disk after the cut at {@code target}. */
  void writeRemains(Path target, Random random) throws IOException {
    Map<Object, byte[]> present = new HashMap<>();
    for (Path directory : directories()) {
      for (Path file : files(directory)) {
        present.put(key(file), Files.readAllBytes(file));
      }
    }
    for (Path directory : directories()) {
      Path copy = target.resolve(root.relativize(directory).toString());
      Files.createDirectories(copy);
      Map<String, Object> forced = forcedNames.getOrDefault(directory, Map.of());
      Map<String, Object> now = new HashMap<>();
      for (Path file : files(directory)) {
        now.put(String.valueOf(file.getFileName()), key(file));
      }
      TreeSet<String> names = new TreeSet<>(forced.keySet());
      names.addAll(now.keySet());
      Map<String, Object> left = new HashMap<>();
      for (String name : names) {
        Object key = random.nextBoolean() ? forced.get(name) : now.get(name);
        if (key != null) {
          left.put(name, key);
        }
      }
      now.forEach(
          (name, key) -> {
            if (forced.containsValue(key) && !left.containsValue(key)) {
              left.put(name, key); // a rename takes no file away
            }
          });
      for (Map.Entry<String, Object> entry : left.entrySet()) {
        Object key = entry.getValue();
        write(copy.resolve(entry.getKey()), remains(key, present.get(key), random));
      }
    }
  }

  private static void write(Path file, byte[] content) throws IOException {
    try (SeekableByteChannel channel =
        Files.newByteChannel(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(content));
    }
  }

  private byte[] remains(Object key, byte @Nullable [] present, Random random) {
    byte[] forced = forcedContent.getOrDefault(key, new byte[0]);
    if (present == null) {
      return forced;
    }
    int length = random.nextBoolean() ? forced.length : present.length;
    byte[] mixed = new byte[length];
    for (int page = 0; page < length; page += PAGE_BYTES) {
      byte[] source = random.nextBoolean() ? forced : present;
      int end = Math.min(Math.min(page + PAGE_BYTES, length), source.length);
      if (end > page) {
        System.arraycopy(Arrays.copyOfRange(source, page, end), 0, mixed, page, end - page);
      }
    }
    return mixed;
  }
}
