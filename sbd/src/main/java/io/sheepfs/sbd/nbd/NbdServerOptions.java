package io.sheepfs.sbd.nbd;

import io.netty.handler.ssl.SslContext;
import io.sheepfs.protocol.tls.AllowListFile;
import org.jspecify.annotations.Nullable;

/**
 * How a server serves.
 *
 * @param readOnly whether all exports are read-only; then none is locked
 * @param defaultExport what clients get who name no export; null to refuse them
 * @param tls what all clients must speak; null for none
 * @param allowed who may have which exports, by the names in certificates; null if all may have all
 * @param quickObjects whether the objects are on a disk of this machine, so that a small read or
 *     write usually ends in its page cache, and need not be waited for by another thread
 */
public record NbdServerOptions(
    boolean readOnly,
    @Nullable String defaultExport,
    @Nullable SslContext tls,
    @Nullable AllowListFile allowed,
    boolean quickObjects,
    ServerLimits limits) {

  /** Everything can be written, no default, no encryption. */
  public static final NbdServerOptions DEFAULTS =
      new NbdServerOptions(false, null, null, null, false, ServerLimits.DEFAULTS);

  /** The same with other bounds. */
  public NbdServerOptions withLimits(ServerLimits newLimits) {
    return new NbdServerOptions(readOnly, defaultExport, tls, allowed, quickObjects, newLimits);
  }

  /** The same with encryption. */
  public NbdServerOptions withTls(SslContext newTls) {
    return new NbdServerOptions(readOnly, defaultExport, newTls, allowed, quickObjects, limits);
  }

  /** The same for those only whom a file allows something; needs encryption. */
  public NbdServerOptions withAllowed(AllowListFile newAllowed) {
    return new NbdServerOptions(readOnly, defaultExport, tls, newAllowed, quickObjects, limits);
  }

  /** The same with objects on a disk of this machine. */
  public NbdServerOptions withQuickObjects() {
    return new NbdServerOptions(readOnly, defaultExport, tls, allowed, true, limits);
  }
}
