package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.store.sim.Sim;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads what other clients write, also while they do. Each cell has one writer, whose values grow:
 * so what was acknowledged, or read once, must not be followed by an older value.
 */
final class SimReader implements Runnable {

  private final List<SimClient> writers;
  private final SimClient link;
  private final Map<Cell, Seen> seen = new HashMap<>();

  private record Cell(ObjectId oid, int place) {}

  /**
   * What was read of a cell.
   *
   * @param losses of its writer, until then
   */
  private record Seen(long value, int losses) {}

  SimReader(SimWires wires, List<InetSocketAddress> nodes, List<SimClient> writers) {
    this.writers = List.copyOf(writers);
    this.link = new SimClient(wires, nodes, "r", 0);
  }

  @Override
  public void run() {
    while (Sim.failure() == null && !writers.stream().allMatch(SimClient::isFinished)) {
      SimClient writer = writers.get(Sim.random(writers.size()));
      SimClient.Disk written = writer.writing();
      List<SimClient.Disk> disks =
          writer.disks().stream().filter(disk -> !disk.maybeDeleted).toList();
      if (written != null && !written.maybeDeleted) {
        look(writer, written, written.last);
      } else if (!disks.isEmpty()) {
        SimClient.Disk disk = disks.get(Sim.random(disks.size()));
        look(writer, disk, Sim.random(disk.cells.size()));
      }
      Sim.sleep(Duration.ofMillis(Sim.random(written == null ? 50 : 10)));
    }
  }

  private void look(SimClient writer, SimClient.Disk disk, int cell) {
    int index = cell / SimClient.PLACES.length;
    ObjectId oid = ObjectId.data(disk.vid, index);
    int losses = writer.losses();
    long[] least = new long[SimClient.PLACES.length];
    for (int i = 0; i < least.length; i++) {
      Seen known = seen.get(new Cell(oid, i));
      SimClient.Cell written = disk.cells.get(index * least.length + i);
      if (known != null && known.losses() == losses && written != null) {
        least[i] = Math.max(known.value(), losses == 0 ? written.acknowledged : 0);
      }
    }
    long[] found = find(oid);
    for (int i = 0; i < least.length; i++) {
      long value = found == null ? 0 : found[i];
      if (disk.maybeDeleted || writer.losses() != losses || writer.mayYetLose()) {
        seen.remove(new Cell(oid, i));
      } else if (value < least[i]) {
        Sim.fail(new AssertionError(oid + " " + i + " is " + value + " after " + least[i]));
      } else {
        seen.put(new Cell(oid, i), new Seen(value, losses));
      }
    }
  }

  private long @Nullable [] find(ObjectId oid) {
    try {
      return link.find(oid);
    } catch (SimClient.Refused e) {
      throw new AssertionError("the reader is refused", e);
    }
  }
}
