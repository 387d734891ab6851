package io.sheepfs.fuse;

import io.sheepfs.fuse.Sheepfs.TransportName;
import io.sheepfs.fuse.transport.MountRequest.PageCache;
import io.sheepfs.protocol.tls.TlsFolder;
import io.sheepfs.telemetry.TelemetryConfig;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the command line asks for.
 *
 * @param store the directory of the embedded store; null to talk to a sheep
 * @param user who owns the files; null for the mounting user
 * @param group likewise
 * @param timeout how long a sheep may take to answer before a request fails
 * @param tls the certificates for connections to a sheep; null for none
 * @param telemetry how it tells how it does
 * @param flushAtEnd whether all is written out before the mount ends
 */
record MountConfig(
    Path mountpoint,
    @Nullable Path store,
    String address,
    int port,
    boolean readOnly,
    boolean allowOther,
    @Nullable Integer user,
    @Nullable Integer group,
    int umask,
    PageCache pageCache,
    TransportName transport,
    CacheConfig cache,
    Duration timeout,
    @Nullable TlsFolder tls,
    boolean flushAtEnd,
    TelemetryConfig telemetry,
    boolean foreground,
    boolean debug,
    @Nullable Path logFile) {

  /** What df shows as the device. */
  String source() {
    if (store != null) {
      return store.toString();
    }
    // of several the first alone: a comma would end the option of the mount that says it
    int end = address.indexOf(',');
    String first = end < 0 ? address : address.substring(0, end);
    boolean hasPort = first.contains("]:") || first.matches("[^:]+:[0-9]+");
    return hasPort ? first : first + ":" + port;
  }
}
