package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.RemoteCluster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A sheep that is shut down while clients write. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class DrainTest {

  private static final int WRITERS = 4;
  private static final int ENOUGH = 200;

  /** One client, which writes the numbers from 1 on into an object of its own. */
  private static final class Writer {

    private final ObjectId oid;
    private final AtomicLong answered = new AtomicLong();

    Writer(ObjectId oid) {
      this.oid = oid;
    }

    /** Writes until the sheep is gone; returns the number that was not answered. */
    long run(Cluster cluster) {
      ByteBuffer number = ByteBuffer.allocateDirect(Long.BYTES);
      for (long next = 1; ; next++) {
        try {
          number.clear().putLong(0, next);
          cluster.objects().write(oid, 0, number, Durability.UNSTABLE);
          answered.set(next);
        } catch (SheepException gone) {
          return next;
        }
      }
    }
  }

  @Test
  void close_underLoad_losesNothingThatWasAnswered_andLeavesNobodyWaiting() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(WRITERS);
    List<Cluster> clusters = new ArrayList<>();
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS)) {
      List<Writer> writers = new ArrayList<>();
      List<Future<Long>> ends = new ArrayList<>();
      for (int i = 0; i < WRITERS; i++) {
        Cluster cluster = connect(store);
        clusters.add(cluster);
        VdiInfo vdi = cluster.vdis().create(new VdiName("disk" + i), VdiSpec.ofSize(1 << 20));
        Writer writer = new Writer(ObjectId.data(vdi.vid(), 0));
        cluster.objects().create(writer.oid, 0, ByteBuffer.allocate(8), Durability.STABLE);
        writers.add(writer);
        ends.add(threads.submit(() -> writer.run(cluster)));
      }
      long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while (writers.stream().anyMatch(writer -> writer.answered.get() < ENOUGH)) {
        assertTrue(System.nanoTime() < deadline, "the writers do not get on");
        Thread.onSpinWait();
      }
      store.server().close();
      for (int i = 0; i < WRITERS; i++) {
        long unanswered = ends.get(i).get();
        Writer writer = writers.get(i);
        assertEquals(unanswered - 1, writer.answered.get());
        ByteBuffer kept = ByteBuffer.allocate(Long.BYTES);
        store.sheep().objects().read(writer.oid, 0, kept);
        long last = kept.getLong(0);
        assertTrue(
            last == unanswered || last == unanswered - 1,
            "answered up to " + writer.answered.get() + ", but " + last + " is there");
      }
    } finally {
      threads.shutdownNow();
      for (Cluster cluster : clusters) {
        cluster.close();
      }
    }
  }

  private static Cluster connect(ServedStore store) throws IOException {
    return RemoteCluster.connect(
        List.of(store.address()), ClientOptions.DEFAULTS.withRequestTimeout(Duration.ofSeconds(5)));
  }
}
