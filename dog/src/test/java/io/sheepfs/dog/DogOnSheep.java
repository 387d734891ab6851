package io.sheepfs.dog;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.tls.AllowListFile;
import io.sheepfs.protocol.tls.TlsFolder;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import io.sheepfs.store.server.GatewayCache;
import io.sheepfs.store.server.GatewayCacheOptions;
import io.sheepfs.store.server.ServerOptions;
import io.sheepfs.store.server.SheepServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Runs commands against a sheep of ours behind a real socket. */
final class DogOnSheep extends DogConsole implements AutoCloseable {

  private static final InetSocketAddress ANY_PORT =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  private final LocalSheep sheep;
  private final @Nullable GatewayCache cache;
  private final SheepServer server;

  /** A sheep that keeps its objects in a directory, formatted or not. */
  DogOnSheep(Path store, boolean formatted) throws IOException {
    this(store, formatted, ServerOptions.DEFAULTS);
  }

  /** The same over TLS. */
  DogOnSheep(Path store, boolean formatted, @Nullable TlsFolder tls) throws IOException {
    this(store, formatted, ServerOptions.DEFAULTS.withTls(tls));
  }

  /** A formatted sheep that allows what is in a file. */
  DogOnSheep(Path store, TlsFolder tls, AllowListFile allowed) throws IOException {
    this(store, true, ServerOptions.DEFAULTS.withTls(tls).withAllowed(allowed));
  }

  private DogOnSheep(Path store, boolean formatted, ServerOptions options) throws IOException {
    sheep = LocalSheep.open(store, LocalSheepOptions.defaults().withFormatIfNew(formatted));
    cache = null;
    server = SheepServer.start(sheep, ANY_PORT, options);
  }

  /** A formatted sheep with an object cache. */
  DogOnSheep(Path store, long cacheBytes) throws IOException {
    sheep = LocalSheep.openBehindCache(store, LocalSheepOptions.defaults().withFormatIfNew(true));
    GatewayCache gateway =
        GatewayCache.open(sheep, GatewayCacheOptions.parse("size=" + cacheBytes));
    cache = gateway;
    server = SheepServer.start(sheep, ANY_PORT, ServerOptions.DEFAULTS, gateway);
  }

  @Override
  Environment.Network network() {
    return new OneNode();
  }

  /** Where the sheep is. */
  InetSocketAddress address() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port());
  }

  @Override
  public void close() throws IOException {
    server.close();
    if (cache != null) {
      cache.close();
    }
    sheep.close();
  }

  /** The sheep says that it has the usual port; where it really is, only this knows. */
  private final class OneNode implements Environment.Network {

    private final RemoteNetwork network = new RemoteNetwork();

    @Override
    public Cluster cluster(InetSocketAddress said, ClientOptions options) throws SheepException {
      return network.cluster(address(), options);
    }

    @Override
    public Sheep sheep(InetSocketAddress said, ClientOptions options) throws SheepException {
      return network.sheep(address(), options);
    }
  }
}
