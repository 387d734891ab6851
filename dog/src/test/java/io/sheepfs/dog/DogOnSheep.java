package io.sheepfs.dog;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import io.sheepfs.store.server.ServerOptions;
import io.sheepfs.store.server.SheepServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.ZoneOffset;

/** Runs commands in this process, against a sheep of ours behind a real socket. */
final class DogOnSheep implements AutoCloseable {

  private final LocalSheep sheep;
  private final SheepServer server;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  /** A sheep that keeps its objects in a directory, formatted or not. */
  DogOnSheep(Path store, boolean formatted) throws IOException {
    sheep = LocalSheep.open(store, LocalSheepOptions.defaults().withFormatIfNew(formatted));
    server =
        SheepServer.start(
            sheep,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            ServerOptions.DEFAULTS);
  }

  /** Runs a command, and returns its exit code. */
  int run(byte[] input, String... args) {
    out.reset();
    err.reset();
    return Dog.run(
        new Environment(
            new ByteArrayInputStream(input),
            new PrintStream(out, false, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            false,
            false,
            ZoneOffset.UTC,
            new OneNode(),
            time -> false),
        args);
  }

  int run(String... args) {
    return run(new byte[0], args);
  }

  String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  byte[] outBytes() {
    return out.toByteArray();
  }

  String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    server.close();
    sheep.close();
  }

  /** The sheep says that it has the usual port; where it really is, only this knows. */
  private final class OneNode implements Environment.Network {

    private final RemoteNetwork network = new RemoteNetwork();

    private InetSocketAddress address() {
      return new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port());
    }

    @Override
    public Cluster cluster(InetSocketAddress said) throws SheepException {
      return network.cluster(address());
    }

    @Override
    public Sheep sheep(InetSocketAddress said) throws SheepException {
      return network.sheep(address());
    }
  }
}
