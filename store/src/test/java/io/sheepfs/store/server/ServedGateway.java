package io.sheepfs.store.server;

import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.RemoteCluster;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;

/** A store on the disk behind a cache and a real socket. */
final class ServedGateway implements Closeable {

  static final GatewayCacheOptions OPTIONS = GatewayCacheOptions.parse("size=64M");

  private final LocalSheep sheep;
  private final GatewayCache cache;
  private final SheepServer server;

  ServedGateway(Path folder) throws IOException {
    sheep = GatewayCache.openStore(folder.resolve("store"), LocalSheepOptions.defaults(), OPTIONS);
    cache = GatewayCache.open(sheep, OPTIONS);
    server =
        SheepServer.start(
            sheep,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            ServerOptions.DEFAULTS,
            cache);
  }

  RemoteCluster connect() throws IOException {
    return RemoteCluster.connect(
        List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port())),
        ClientOptions.DEFAULTS);
  }

  GatewayCache cache() {
    return cache;
  }

  /** Ends it without a flush. */
  @Override
  public void close() throws IOException {
    server.close();
    cache.close();
    sheep.close();
  }
}
