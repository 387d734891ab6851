package io.sheepfs.store.server;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.RemoteCluster;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.FileSystem;
import java.util.List;

/** A store in memory behind a real socket. */
final class ServedStore implements Closeable {

  private final FileSystem memory =
      Jimfs.newFileSystem(
          Configuration.unix().toBuilder().setAttributeViews("basic", "posix").build());
  private final LocalSheep sheep;
  private final SheepServer server;

  ServedStore(boolean formatted, ServerOptions options) throws IOException {
    sheep =
        LocalSheep.open(
            memory.getPath("/store"), LocalSheepOptions.defaults().withFormatIfNew(formatted));
    server =
        SheepServer.start(
            sheep, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), options);
  }

  InetSocketAddress address() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port());
  }

  LocalSheep sheep() {
    return sheep;
  }

  SheepServer server() {
    return server;
  }

  Cluster connect() throws IOException {
    return RemoteCluster.connect(List.of(address()), ClientOptions.DEFAULTS);
  }

  @Override
  public void close() throws IOException {
    server.close();
    sheep.close();
    memory.close();
  }
}
