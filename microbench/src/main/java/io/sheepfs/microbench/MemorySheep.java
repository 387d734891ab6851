package io.sheepfs.microbench;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import io.sheepfs.store.server.ServerOptions;
import io.sheepfs.store.server.SheepServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.FileSystem;

/** Our server over a store whose files are in memory. */
final class MemorySheep implements AutoCloseable {

  private final FileSystem memory =
      Jimfs.newFileSystem(
          Configuration.unix().toBuilder().setAttributeViews("basic", "posix").build());
  private final LocalSheep sheep;
  private final SheepServer server;

  MemorySheep() throws IOException {
    sheep = LocalSheep.open(memory.getPath("/store"), LocalSheepOptions.defaults());
    server =
        SheepServer.start(
            sheep,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            ServerOptions.DEFAULTS);
  }

  InetSocketAddress address() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port());
  }

  @Override
  public void close() throws IOException {
    server.close();
    sheep.close();
    memory.close();
  }
}
