package io.sheepfs.sbd.nbd;

import io.netty.handler.ssl.SslContext;
import org.jspecify.annotations.Nullable;

/**
 * How a server serves.
 *
 * @param readOnly whether all exports are read-only; then none is locked
 * @param defaultExport what clients get who name no export; null to refuse them
 * @param tls what all clients must speak; null for none
 * @param quickReads whether the objects are on a disk of this machine, so that a small read usually
 *     comes from its page cache, and need not be waited for by another thread
 */
public record NbdServerOptions(
    boolean readOnly,
    @Nullable String defaultExport,
    @Nullable SslContext tls,
    boolean quickReads,
    ServerLimits limits) {

  /** Everything can be written, no default, no encryption. */
  public static final NbdServerOptions DEFAULTS =
      new NbdServerOptions(false, null, null, false, ServerLimits.DEFAULTS);

  /** The same with other bounds. */
  public NbdServerOptions withLimits(ServerLimits newLimits) {
    return new NbdServerOptions(readOnly, defaultExport, tls, quickReads, newLimits);
  }

  /** The same with encryption. */
  public NbdServerOptions withTls(SslContext newTls) {
    return new NbdServerOptions(readOnly, defaultExport, newTls, quickReads, limits);
  }

  /** The same with objects on a disk of this machine. */
  public NbdServerOptions withQuickReads() {
    return new NbdServerOptions(readOnly, defaultExport, tls, true, limits);
  }
}
