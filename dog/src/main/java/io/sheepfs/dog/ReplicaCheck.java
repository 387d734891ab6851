package io.sheepfs.dog;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Compares the replicas of a VDI's objects, and repairs those that differ from the majority. Each
 * node is asked for the hash of what it has, so that no data travels but that of repairs.
 */
final class ReplicaCheck implements AutoCloseable {

  private static final int THREADS = 8;

  /** Instead of the hash of a copy that its node knows to be wrong. */
  private static final String DAMAGED = "damaged";

  private final Session session;
  private final Placement placement;
  private final int epoch;
  private final Map<NodeInfo, Sheep> sheep = new HashMap<>();
  private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);

  ReplicaCheck(Session session) throws SheepException {
    this.session = session;
    this.placement = new Placement(session.cluster().nodes());
    this.epoch = session.epoch();
    for (NodeInfo node : placement.nodes()) {
      sheep.put(node, session.sheep(node));
    }
  }

  /** What was found about one object. */
  private record Finding(List<String> repaired, @Nullable String failure) {}

  /**
   * Checks a VDI or snapshot, and tells what was repaired on standard output and what could not be
   * on standard error.
   *
   * @return whether all replicas are there now, and the same
   */
  boolean check(VdiInfo vdi) throws SheepException {
    session.cluster().objects().flush(vdi.vid());
    List<ObjectId> oids = objects(vdi);
    List<Future<Finding>> findings = new ArrayList<>(oids.size());
    for (ObjectId oid : oids) {
      findings.add(threads.submit(() -> checkObject(oid, vdi.copies())));
    }
    boolean sound = true;
    try (Progress progress =
        new Progress(session, "check " + vdi.name(), oids.size(), Progress.Unit.OBJECTS)) {
      for (Future<Finding> finding : findings) {
        sound &= report(finding);
        progress.advance(1);
      }
    }
    session.out().println("finish check&repair " + vdi.name());
    return sound;
  }

  /** The inode and the data objects that it names. */
  private List<ObjectId> objects(VdiInfo vdi) throws SheepException {
    List<ObjectId> oids = new ArrayList<>();
    oids.add(ObjectId.inode(vdi.vid()));
    oids.addAll(ObjectMap.read(session.cluster().objects(), vdi).objects());
    return oids;
  }

  private boolean report(Future<Finding> future) throws SheepException {
    Finding finding;
    try {
      finding = future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof SheepException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SheepException(ResultCode.SYSTEM_ERROR, "interrupted", e);
    }
    finding.repaired().forEach(session.out()::println);
    if (finding.failure() != null) {
      session.err().println(finding.failure());
    }
    return finding.failure() == null;
  }

  private Finding checkObject(ObjectId oid, int copies) throws SheepException {
    Map<NodeInfo, String> hashes = new LinkedHashMap<>();
    Map<String, Integer> votes = new HashMap<>();
    for (NodeInfo node : placement.of(oid, copies)) {
      String hash = hash(node, oid);
      hashes.put(node, hash);
      if (!hash.isEmpty() && !hash.equals(DAMAGED)) {
        votes.merge(hash, 1, Integer::sum);
      }
    }
    int voters = votes.values().stream().mapToInt(Integer::intValue).sum();
    if (voters == 0) {
      return new Finding(List.of(), "no node has " + oid);
    }
    for (Map.Entry<String, Integer> vote : votes.entrySet()) {
      if (vote.getValue() > voters / 2) {
        return repair(oid, hashes, vote.getKey());
      }
    }
    return new Finding(List.of(), "no majority of " + oid);
  }

  /** The hash of what a node has, or {@link #DAMAGED}; empty if it does not have the object. */
  private String hash(NodeInfo node, ObjectId oid) throws SheepException {
    Reply reply =
        sheepOf(node)
            .ask(Opcode.GET_HASH, new RequestFields.Obj(oid.value(), 0, 0, 0, 0, epoch, 0), 0);
    if (reply.result() == ResultCode.NO_OBJ) {
      return "";
    }
    if (reply.result() == ResultCode.EIO) {
      return DAMAGED;
    }
    ResponseFields.Hash hash =
        reply.orThrow("read " + oid + " from " + NodeList.endpoint(node)).header().hash();
    return HexFormat.of().formatHex(hash.digest());
  }

  private Finding repair(ObjectId oid, Map<NodeInfo, String> hashes, String right)
      throws SheepException {
    NodeInfo source =
        hashes.entrySet().stream()
            .filter(entry -> entry.getValue().equals(right))
            .findFirst()
            .orElseThrow()
            .getKey();
    List<String> repaired = new ArrayList<>();
    String failure = null;
    for (Map.Entry<NodeInfo, String> entry : hashes.entrySet()) {
      if (entry.getValue().equals(right)) {
        continue;
      }
      Reply reply =
          sheepOf(entry.getKey())
              .ask(
                  Opcode.REPAIR_REPLICA,
                  new RequestFields.Forward(oid.value(), source.address(), source.port()),
                  0);
      if (reply.result() == ResultCode.SUCCESS && isInVain(reply)) {
        continue;
      }
      if (reply.result() == ResultCode.SUCCESS) {
        repaired.add((entry.getValue().isEmpty() ? "fixed missing " : "fixed replica ") + oid);
      } else {
        failure =
            "failed to repair object "
                + oid
                + " from "
                + NodeList.endpoint(source)
                + " to "
                + NodeList.endpoint(entry.getKey())
                + ": "
                + reply.result().text();
      }
    }
    return new Finding(repaired, failure);
  }

  /** A cluster of ours looks again while nobody writes, and says if there was nothing to repair. */
  private static boolean isInVain(Reply reply) {
    ResponseFields.Obj told = reply.header().obj();
    return told.offset() == 1 && told.copies() == 0;
  }

  /**
   * Only looks whether each node has the objects that it should have.
   *
   * @return how many are missing
   */
  int countMissing(VdiInfo vdi) throws SheepException {
    session.cluster().objects().flush(vdi.vid());
    Map<NodeInfo, List<ObjectId>> expected = new LinkedHashMap<>();
    placement.nodes().forEach(node -> expected.put(node, new ArrayList<>()));
    for (ObjectId oid : objects(vdi)) {
      for (NodeInfo node : placement.of(oid, vdi.copies())) {
        expected.computeIfAbsent(node, n -> new ArrayList<>()).add(oid);
      }
    }
    int missing = 0;
    for (Map.Entry<NodeInfo, List<ObjectId>> entry : expected.entrySet()) {
      missing += reportMissing(entry.getKey(), entry.getValue());
    }
    return missing;
  }

  private int reportMissing(NodeInfo node, List<ObjectId> oids) throws SheepException {
    if (oids.isEmpty()) {
      return 0;
    }
    ByteBuffer asked = Reply.buffer(oids.size() * Long.BYTES);
    oids.forEach(oid -> asked.putLong(oid.value()));
    Reply reply =
        sheepOf(node)
            .call(Opcode.OIDS_EXIST, 0, new RequestFields.None(), asked.flip(), asked.remaining());
    if (reply.result() == ResultCode.SUCCESS) {
      return 0;
    }
    if (reply.result() != ResultCode.NO_OBJ) {
      reply.orThrow("ask " + NodeList.endpoint(node) + " for its objects");
    }
    int missing = 0;
    for (ByteBuffer body = reply.body(); body.remaining() >= Long.BYTES; missing++) {
      session
          .out()
          .println(
              "["
                  + NodeList.endpoint(node)
                  + "] oid "
                  + HexFormat.of().toHexDigits(body.getLong())
                  + " is missing.");
    }
    return missing;
  }

  private Sheep sheepOf(NodeInfo node) {
    Sheep found = sheep.get(node);
    if (found == null) {
      throw new IllegalStateException("not a node of the cluster: " + node);
    }
    return found;
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
