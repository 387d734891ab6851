package io.sheepfs.store;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** A place for a store that goes away with the test: in memory or on the real disk. */
final class StoreDisk implements Closeable {

  /** Where. */
  enum Kind {
    MEMORY,
    REAL
  }

  private final @Nullable FileSystem memory;
  private final Path base;

  private StoreDisk(@Nullable FileSystem memory, Path base) {
    this.memory = memory;
    this.base = base;
  }

  static StoreDisk of(Kind kind) throws IOException {
    if (kind == Kind.REAL) {
      return new StoreDisk(null, Files.createTempDirectory("sheepfs-store-test"));
    }
    FileSystem memory =
        Jimfs.newFileSystem(
            Configuration.unix().toBuilder().setAttributeViews("basic", "posix").build());
    return new StoreDisk(memory, memory.getPath("/work"));
  }

  /** A directory that does not exist yet. */
  Path store() {
    return base.resolve("store");
  }

  /** Another such directory. */
  Path afterwards() {
    return base.resolve("afterwards");
  }

  LocalSheep open() throws IOException {
    return LocalSheep.open(store(), LocalSheepOptions.defaults());
  }

  @Override
  public void close() throws IOException {
    if (memory != null) {
      memory.close();
      return;
    }
    Files.walkFileTree(
        base,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException e)
              throws IOException {
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
