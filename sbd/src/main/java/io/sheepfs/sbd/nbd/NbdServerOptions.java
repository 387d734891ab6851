package io.sheepfs.sbd.nbd;

import io.netty.handler.ssl.SslContext;
import org.jspecify.annotations.Nullable;

/**
 * How a server serves.
 *
 * @param readOnly whether all exports are read-only; then none is locked
 * @param defaultExport what clients get who name no export; null to refuse them
 * @param tls what all clients must speak; null for none
 */
public record NbdServerOptions(
    boolean readOnly,
    @Nullable String defaultExport,
    @Nullable SslContext tls,
    ServerLimits limits) {

  /** Everything can be written, no default, no encryption. */
  public static final NbdServerOptions DEFAULTS =
      new NbdServerOptions(false, null, null, ServerLimits.DEFAULTS);

  /** The same with other bounds. */
  public NbdServerOptions withLimits(ServerLimits newLimits) {
    return new NbdServerOptions(readOnly, defaultExport, tls, newLimits);
  }

  /** The same with encryption. */
  public NbdServerOptions withTls(SslContext newTls) {
    return new NbdServerOptions(readOnly, defaultExport, newTls, limits);
  }
}
