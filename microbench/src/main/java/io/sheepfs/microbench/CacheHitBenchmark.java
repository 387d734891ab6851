package io.sheepfs.microbench;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.sheepfs.cache.CacheMode;
import io.sheepfs.cache.CacheOptions;
import io.sheepfs.cache.ObjectCache;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a read and a write of 4 KiB cost that the cache answers by itself, beside the same call on a
 * bare file. {@code -Dsheepfs.bench.dir} says on which disk ({@code -jvmArgsAppend}).
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class CacheHitBenchmark {

  private static final int OBJECTS = 16;
  private static final int OBJECT_BYTES = 4 << 20;
  private static final int BLOCK_BYTES = 4096;
  private static final int BLOCKS = OBJECT_BYTES / BLOCK_BYTES;

  private final ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
  private final ObjectId[] oids = new ObjectId[OBJECTS];
  private final FileSystem memory =
      Jimfs.newFileSystem(
          Configuration.unix().toBuilder().setAttributeViews("basic", "posix").build());

  private @Nullable Path folder;
  private @Nullable LocalSheep sheep;
  private @Nullable ObjectCache cache;
  private @Nullable FileChannel file;

  /** Fills the cache, and the bare file. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    String where = System.getProperty("sheepfs.bench.dir", System.getProperty("java.io.tmpdir"));
    folder = Files.createTempDirectory(Path.of(where), "sheepfs-hit");
    sheep = LocalSheep.open(memory.getPath("/store"), LocalSheepOptions.defaults());
    VdiId vid =
        sheep
            .vdis()
            .create(new VdiName("disk"), VdiSpec.ofSize((long) OBJECTS * OBJECT_BYTES))
            .vid();
    CacheOptions options =
        new CacheOptions(
            CacheMode.WRITEBACK,
            1L << 30,
            0,
            1L << 30,
            Duration.ofHours(1),
            Duration.ofHours(1),
            64 << 10,
            8);
    cache =
        ObjectCache.open(sheep.objects(), folder.resolve("cache"), "bench", options, Runnable::run);
    file =
        FileChannel.open(
            folder.resolve("bare"),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    byte[] bytes = new byte[OBJECT_BYTES];
    Random random = new Random(1);
    for (int i = 0; i < OBJECTS; i++) {
      random.nextBytes(bytes);
      oids[i] = ObjectId.data(vid, i);
      cache.create(oids[i], 0, ByteBuffer.wrap(bytes), Durability.UNSTABLE);
      for (ByteBuffer rest = ByteBuffer.wrap(bytes); rest.hasRemaining(); ) {
        file.write(rest, (long) i * OBJECT_BYTES + rest.position());
      }
    }
    cache.flush(vid);
  }

  /** Removes all. */
  @TearDown(Level.Trial)
  public void close() throws IOException {
    if (file != null) {
      file.close();
    }
    if (cache != null) {
      cache.close();
    }
    if (sheep != null) {
      sheep.close();
    }
    memory.close();
    if (folder != null) {
      Files.delete(folder.resolve("bare"));
      ObjectCache.erase(folder.resolve("cache"));
      Files.delete(folder);
    }
  }

  private static int any(int bound) {
    return ThreadLocalRandom.current().nextInt(bound);
  }

  /** A hit. */
  @Benchmark
  public ByteBuffer cacheRead() throws SheepException {
    open(cache).read(oids[any(OBJECTS)], (long) any(BLOCKS) * BLOCK_BYTES, block.clear());
    return block;
  }

  /** A write that is held back. */
  @Benchmark
  public ByteBuffer cacheWrite() throws SheepException {
    ObjectId oid = oids[any(OBJECTS)];
    open(cache).write(oid, (long) any(BLOCKS) * BLOCK_BYTES, block.clear(), Durability.UNSTABLE);
    return block;
  }

  /** The same bytes of a file. */
  @Benchmark
  public ByteBuffer fileRead() throws IOException {
    open(file).read(block.clear(), (long) any(OBJECTS * BLOCKS) * BLOCK_BYTES);
    return block;
  }

  /** The same bytes of a file. */
  @Benchmark
  public ByteBuffer fileWrite() throws IOException {
    open(file).write(block.clear(), (long) any(OBJECTS * BLOCKS) * BLOCK_BYTES);
    return block;
  }

  private static <T> T open(@Nullable T opened) {
    if (opened == null) {
      throw new IllegalStateException("not set up");
    }
    return opened;
  }
}
