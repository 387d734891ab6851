package io.sheepfs.dist;

import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.RemoteCluster;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import io.sheepfs.store.server.ServerOptions;
import io.sheepfs.store.server.SheepServer;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/** A sheep in this process, formatted, with its objects in a folder. */
final class ServedFolder implements AutoCloseable {

  private final LocalSheep sheep;
  private final SheepServer server;

  /** Serves {@code folder/store} on a free port. */
  ServedFolder(Path folder) throws IOException {
    sheep = LocalSheep.open(folder.resolve("store"), LocalSheepOptions.defaults());
    server =
        SheepServer.start(
            sheep,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            ServerOptions.DEFAULTS);
  }

  int port() {
    return server.port();
  }

  /** What the cluster has of a VDI, as a client sees it that has no cache. */
  byte[] read(String name) throws IOException {
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port());
    try (RemoteCluster client = RemoteCluster.connect(List.of(address), ClientOptions.DEFAULTS);
        Volume volume = Volume.open(client, new VdiName(name), Access.READ_ONLY)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) volume.sizeBytes());
      while (bytes.hasRemaining() && volume.read(bytes.position(), bytes) > 0) {}
      return bytes.array();
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    sheep.close();
  }
}
