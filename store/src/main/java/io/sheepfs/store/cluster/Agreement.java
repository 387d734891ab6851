package io.sheepfs.store.cluster;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tree of small values on which all nodes agree, as ZooKeeper keeps it: {@link Ensemble}.
 *
 * <p>Changes are carried out one after the other, for all. What is read may be older, but never
 * older than what was read or written before in the same session. A change of what was read or
 * listed, and any change of the session, is told once to whoever was named when this was made, and
 * not later than it can be read. Parents of a path are made as needed. A failure of which the
 * outcome is unknown is tried again once.
 *
 * <p>Safe for any number of threads. Whatever cannot be done now is an {@link IOException}.
 */
interface Agreement extends Closeable {

  /**
   * What ephemeral values live as long as.
   *
   * @param timeout how long after the last call of this node that was heard of it may end
   */
  record Session(long id, Duration timeout) {}

  /** The session that there is now; another one after each loss. */
  Session session() throws IOException;

  /** A value; null if there is none. */
  byte @Nullable [] read(String path) throws IOException;

  /** The names below a path; none if it is not there. */
  List<String> children(String path) throws IOException;

  /** How often a value was changed since it was made; -1 if there is none. Changes are not told. */
  int version(String path) throws IOException;

  /** Adds a value; false if there is one already. */
  boolean create(String path, byte[] value) throws IOException;

  /**
   * Adds a value that ends with the session, in place of any other; if that is of the same session,
   * the value is never gone in between.
   */
  void putEphemeral(String path, byte[] value) throws IOException;

  /** Adds or replaces a value. */
  void put(String path, byte[] value) throws IOException;

  /** Replaces a value, if that of {@code guard} still has a version; else fails. */
  void replaceIf(String guard, int version, String path, byte[] value) throws IOException;

  @Override
  void close();
}
