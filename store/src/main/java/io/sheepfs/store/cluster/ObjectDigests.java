package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.object.NodeObjects;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;

/**
 * The digests of the objects of a node: SHA-1, the zeros at the end of an object left out, so that
 * copies are equal of which one stores those and another does not.
 *
 * <p>Safe for any number of threads. What is written meanwhile may be in a digest or not.
 */
final class ObjectDigests {

  private static final int CHUNK_BYTES = 1 << 18;

  private final NodeObjects files;
  private final DigestBook book;

  ObjectDigests(NodeObjects files, InstantSource clock) {
    this.files = files;
    this.book = new DigestBook(clock);
  }

  /** The digest of an object. */
  byte[] of(ObjectId oid) throws SheepException {
    MessageDigest digest = sha1();
    long stored = files.storedBytes(oid);
    ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(CHUNK_BYTES, stored));
    long zeros = 0;
    for (long at = 0; at < stored; at += CHUNK_BYTES) {
      chunk.clear().limit((int) Math.min(CHUNK_BYTES, stored - at));
      files.read(oid, at, chunk);
      int used = chunk.limit();
      while (used > 0 && chunk.get(used - 1) == 0) {
        used--;
      }
      if (used > 0) {
        updateZeros(digest, zeros);
        digest.update(chunk.array(), 0, used);
        zeros = 0;
      }
      zeros += chunk.limit() - used;
    }
    return digest.digest();
  }

  /**
   * The digest of an object, held against what it was before.
   *
   * @throws SheepException {@link ResultCode#EIO} if the disk has changed it
   */
  byte[] checked(ObjectId oid) throws SheepException {
    if (!files.exists(oid)) { // its file may be open still, although it has no name any more
      throw new SheepException(ResultCode.NO_OBJ, "object " + oid);
    }
    DigestBook.Stamp before = book.stamp(files.file(oid));
    byte[] found = of(oid);
    if (!book.agrees(oid, before, book.stamp(files.file(oid)), found)) {
      throw new SheepException(ResultCode.EIO, oid + " has changed although nobody wrote to it");
    }
    return found;
  }

  /** The object was made anew. */
  void forget(ObjectId oid) {
    book.forget(oid);
  }

  /** All objects are gone. */
  void clear() {
    book.clear();
  }

  private static void updateZeros(MessageDigest digest, long count) {
    byte[] zeros = new byte[(int) Math.min(count, CHUNK_BYTES)];
    for (long left = count; left > 0; left -= zeros.length) {
      digest.update(zeros, 0, (int) Math.min(left, zeros.length));
    }
  }

  private static MessageDigest sha1() {
    try {
      return MessageDigest.getInstance("SHA-1");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }
}
