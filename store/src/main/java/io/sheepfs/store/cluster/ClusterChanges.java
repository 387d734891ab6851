package io.sheepfs.store.cluster;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.object.Journal;
import io.sheepfs.store.object.StoredObjects;
import io.sheepfs.store.vdi.InodeChanges;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Changes of several objects of a cluster. Staged copies are held in memory. A record in ZooKeeper
 * says what is under way:
 *
 * <ol>
 *   <li>PREPARED: the new objects are being made. If the leader is lost now, the next one removes
 *       them, and nothing has happened.
 *   <li>COMMITTED: they are there. The patches are being made. If the leader is lost now, the next
 *       one makes them, each as often as it likes.
 * </ol>
 *
 * <p>Record: a byte for the phase, then per step its kind (1 new object, 2 patch, 3 cut off), the
 * id, a position, a length and that many bytes; big-endian.
 */
final class ClusterChanges implements InodeChanges {

  private static final byte PREPARED = 1;
  private static final byte COMMITTED = 2;

  private final StoredObjects objects;
  private final Log log;
  private final Map<Path, ByteBuffer> staged = new HashMap<>();
  private int stagedCount;
  private volatile boolean broken;

  /** Where the record is kept. */
  interface Log {
    /** The record; empty if there is none. */
    byte[] read() throws IOException;

    /** Replaces the record; fails if somebody else leads. */
    void write(byte[] record) throws IOException;

    /** Tells that nobody knows whether a change was committed: somebody else has to lead. */
    void lost();
  }

  ClusterChanges(StoredObjects objects, Log log) {
    this.objects = objects;
    this.log = log;
  }

  private Path stage(ByteBuffer content) {
    Path name = Path.of("staged-" + ++stagedCount);
    staged.put(name, content);
    return name;
  }

  @Override
  public Path stageInode(ObjectId inode, InodeHeader header, ObjectId source)
      throws SheepException {
    int length = (int) Math.min(objects.storedBytes(source), InodeLayout.REFERENCES);
    ByteBuffer content = ByteBuffer.allocate(Math.max(length, InodeLayout.INDEX));
    objects.read(source, 0, content.limit(length));
    content.clear();
    ByteBuffer head = header.encode();
    content.put(0, head, head.position(), head.remaining());
    return stage(content);
  }

  @Override
  public Path stagePrefix(ObjectId oid, ObjectId source, long sizeBytes) throws SheepException {
    ByteBuffer content =
        ByteBuffer.allocate((int) Math.min(objects.storedBytes(source), sizeBytes));
    objects.read(source, 0, content);
    return stage(content.clear());
  }

  @Override
  public void install(Path name, ObjectId oid) throws SheepException {
    ByteBuffer content = staged.remove(name);
    if (content == null) {
      throw new IllegalArgumentException(name + " is not staged");
    }
    objects.create(oid, 0, content, Durability.STABLE);
  }

  @Override
  public void discard(Path name) {
    staged.remove(name);
  }

  @Override
  public void commit(List<Journal.Step> steps) throws SheepException {
    if (broken) {
      throw new SheepException(ResultCode.EIO, "an earlier change could not be completed");
    }
    note(PREPARED, steps);
    boolean made = false;
    try {
      for (Journal.Step step : steps) {
        if (step instanceof Journal.Rename rename) {
          install(rename.temporary(), rename.oid());
        }
      }
      made = true;
    } finally {
      if (!made) {
        undo(steps);
        note(new byte[0]);
      }
    }
    note(COMMITTED, steps);
    boolean done = false;
    try {
      apply(steps);
      done = true;
    } finally {
      if (!done) {
        fail();
      }
    }
    note(new byte[0]);
  }

  private void fail() {
    broken = true;
    log.lost();
  }

  private void note(byte phase, List<Journal.Step> steps) throws SheepException {
    note(encode(phase, steps));
  }

  private void note(byte[] record) throws SheepException {
    try {
      log.write(record);
    } catch (IOException e) {
      fail();
      throw new SheepException(ResultCode.CLUSTER_ERROR, "note of a change", e);
    }
  }

  /** Completes or undoes what an earlier leader had under way. */
  void replay() throws IOException {
    byte[] record = log.read();
    if (record.length == 0) {
      return;
    }
    List<Journal.Step> steps = decode(record);
    if (record[0] == PREPARED) {
      undo(steps);
    } else {
      apply(steps);
    }
    log.write(new byte[0]);
  }

  private void undo(List<Journal.Step> steps) throws SheepException {
    for (Journal.Step step : steps) {
      if (step instanceof Journal.Rename) {
        boolean unused = objects.remove(step.oid());
      }
    }
  }

  private void apply(List<Journal.Step> steps) throws SheepException {
    for (Journal.Step step : steps) {
      if (step instanceof Journal.Patch patch) {
        ByteBuffer bytes = ByteBuffer.wrap(patch.bytes());
        objects.write(patch.oid(), patch.offset(), bytes, Durability.STABLE);
      } else if (step instanceof Journal.Truncate truncate) {
        cutOff(truncate);
      }
    }
  }

  private void cutOff(Journal.Truncate truncate) throws SheepException {
    try {
      long end = objects.storedBytes(truncate.oid());
      if (end > truncate.sizeBytes()) {
        objects.zero(truncate.oid(), truncate.sizeBytes(), end, end, Durability.STABLE);
      }
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ) {
        throw e;
      }
    }
  }

  @Override
  public boolean isBroken() {
    return broken;
  }

  private static byte[] encode(byte phase, List<Journal.Step> steps) throws SheepException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(phase);
      for (Journal.Step step : steps) {
        byte[] payload = step instanceof Journal.Patch patch ? patch.bytes() : new byte[0];
        long position = 0;
        int kind = 1;
        if (step instanceof Journal.Patch patch) {
          kind = 2;
          position = patch.offset();
        } else if (step instanceof Journal.Truncate truncate) {
          kind = 3;
          position = truncate.sizeBytes();
        }
        out.writeByte(kind);
        out.writeLong(step.oid().value());
        out.writeLong(position);
        out.writeInt(payload.length);
        out.write(payload);
      }
    } catch (IOException e) {
      throw new SheepException(ResultCode.SYSTEM_ERROR, "record of a change", e);
    }
    return bytes.toByteArray();
  }

  /**
   * The steps of a record.
   *
   * @throws IOException if it is none of ours
   */
  static List<Journal.Step> decode(byte[] record) throws IOException {
    List<Journal.Step> steps = new ArrayList<>();
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(record))) {
      int phase = in.readByte();
      if (phase != PREPARED && phase != COMMITTED) {
        throw new IOException("a change in the unknown phase " + phase);
      }
      while (in.available() > 0) {
        int kind = in.readByte();
        long id = in.readLong();
        long position = in.readLong();
        int length = in.readInt();
        if (!ObjectId.isValid(id) || position < 0 || length < 0 || length > in.available()) {
          throw new IOException("a step of a change is damaged: " + length + " bytes");
        }
        ObjectId oid = new ObjectId(id);
        byte[] payload = in.readNBytes(length);
        steps.add(
            switch (kind) {
              case 1 -> new Journal.Rename(oid, Path.of("made-before"));
              case 2 -> new Journal.Patch(oid, position, payload);
              case 3 -> new Journal.Truncate(oid, position);
              default -> throw new IOException("a step of unknown kind " + kind);
            });
      }
    }
    return steps;
  }
}
