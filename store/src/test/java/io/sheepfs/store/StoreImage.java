package io.sheepfs.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The files below a directory as they were. */
final class StoreImage {

  private final Path base;
  private final List<Entry> entries = new ArrayList<>();

  /** A file. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Entry(Path path, byte[] content, FileTime time) {
    boolean isObject() {
      return path.toString().contains("/obj/");
    }
  }

  private StoreImage(Path base) {
    this.base = base;
  }

  static StoreImage of(Path base) throws IOException {
    StoreImage image = new StoreImage(base);
    for (Path file : files(base)) {
      image.entries.add(new Entry(file, Files.readAllBytes(file), Files.getLastModifiedTime(file)));
    }
    return image;
  }

  private static List<Path> files(Path base) throws IOException {
    try (Stream<Path> all = Files.walk(base)) {
      return all.filter(Files::isRegularFile).toList();
    }
  }

  List<Entry> entries() {
    return entries;
  }

  /** Makes all files what they were, with their times, and removes the others. */
  void restore() throws IOException {
    Set<Path> wanted = new HashSet<>();
    for (Entry entry : entries) {
      wanted.add(entry.path());
      Files.write(entry.path(), entry.content());
      Files.setLastModifiedTime(entry.path(), entry.time());
    }
    for (Path file : files(base)) {
      if (!wanted.contains(file)) {
        Files.delete(file);
      }
    }
  }
}
