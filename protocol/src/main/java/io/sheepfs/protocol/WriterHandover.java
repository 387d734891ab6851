package io.sheepfs.protocol;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a client with a cache does when it has got a lock, before it leaves its own mark: see
 * whether its cache is still of any use, and note the token that it is about to leave. In this
 * order a crash at any point leaves a cache that knows its token, or one that is not trusted.
 */
@FunctionalInterface
public interface WriterHandover {

  /**
   * Called with the lock held.
   *
   * @param vdi the VDI as it is now
   * @param last what the last writer left; null if nobody left anything
   * @return the token of the mark to leave, a new one
   * @throws SheepException to let the lock go again; passed on to the caller
   */
  UUID take(VdiInfo vdi, @Nullable WriterMark last) throws SheepException;
}
