package io.sheepfs.fuse.control;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** One request to a running mount. Confined to one thread. */
public final class ControlClient implements AutoCloseable {

  private final SocketChannel channel;
  private final BufferedReader answer;

  private ControlClient(SocketChannel channel) {
    this.channel = channel;
    this.answer =
        new BufferedReader(
            new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
  }

  /**
   * Asks the process behind a mount; {@link ControlServer} says what can be asked.
   *
   * @throws IOException if there is no such process, or it does not listen to us
   */
  public static ControlClient ask(MountTable.Entry mount, String request) throws IOException {
    for (Path directory : RunDirectory.existing(mount.user())) {
      Path socket = directory.resolve(RunDirectory.socketName(mount.mountpoint()));
      if (Files.exists(socket)) {
        return ask(socket, request);
      }
    }
    throw new IOException("no process answers for " + mount.mountpoint());
  }

  private static ControlClient ask(Path socket, String request) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    boolean done = false;
    try {
      channel.connect(UnixDomainSocketAddress.of(socket));
      ByteBuffer bytes = StandardCharsets.UTF_8.encode(request + "\n");
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      done = true;
      return new ControlClient(channel);
    } finally {
      if (!done) {
        channel.close();
      }
    }
  }

  /**
   * The next line of the answer, but for those that only say that the mount lives; null at its end.
   */
  public @Nullable String line() throws IOException {
    String line = answer.readLine();
    while (".".equals(line)) {
      line = answer.readLine();
    }
    return line;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
