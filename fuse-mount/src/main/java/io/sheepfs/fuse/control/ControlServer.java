package io.sheepfs.fuse.control;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The socket over which a mount can be asked and told things, by its own user and root. Each
 * connection carries one request, a line, and its answer, lines too:
 *
 * <pre>
 *   status            the status, and the end of the stream
 *   flush             OK, or ERROR and why, when it is done; before it what there is to tell
 *   follow            PID and the process id; what there is to tell of the end of the mount; OK or
 *                     ERROR and why, when all is saved. A line with a dot each second before it.
 *   follow no-flush   likewise, and the end does not flush, unless the asker goes away before
 * </pre>
 *
 * <p>Safe for any number of threads. Nothing here keeps a mount from ending: an asker that does not
 * read is left behind.
 */
public final class ControlServer implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(ControlServer.class);
  private static final int MAX_CONNECTIONS = 32;
  private static final int MAX_LINES = 64;
  private static final int LAST_WORDS_MILLIS = 2000;

  private final Path socket;
  private final Controlled mount;
  private final ServerSocketChannel listener;
  private final Semaphore connections = new Semaphore(MAX_CONNECTIONS);
  private final Set<Follower> followers = ConcurrentHashMap.newKeySet();
  private final Set<Follower> leaving = ConcurrentHashMap.newKeySet();
  private volatile @Nullable String end;

  private ControlServer(Path socket, Controlled mount, ServerSocketChannel listener) {
    this.socket = socket;
    this.mount = mount;
    this.listener = listener;
  }

  /**
   * Begins to listen for one mount.
   *
   * @throws IOException if there is no place for a socket
   */
  public static ControlServer start(Path mountpoint, Controlled mount) throws IOException {
    Path directory = RunDirectory.make();
    RunDirectory.sweep(directory);
    Path socket = directory.resolve(RunDirectory.socketName(mountpoint));
    Files.deleteIfExists(socket); // of a mount below this one, which nobody can reach any more
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    boolean done = false;
    try {
      listener.bind(UnixDomainSocketAddress.of(socket));
      done = true;
    } finally {
      if (!done) {
        listener.close();
      }
    }
    ControlServer server = new ControlServer(socket, mount, listener);
    server.thread(server::accept, "control");
    return server;
  }

  private Thread thread(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private void accept() {
    while (true) {
      try {
        SocketChannel channel = listener.accept();
        if (!connections.tryAcquire()) {
          channel.close();
          continue;
        }
        thread(() -> serve(channel), "control-answer");
      } catch (ClosedChannelException closed) {
        return;
      } catch (IOException e) {
        log.warn("The control socket {} is of no use any more", socket, e);
        return;
      }
    }
  }

  private void serve(SocketChannel channel) {
    try (channel) {
      String request =
          new BufferedReader(
                  new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8))
              .readLine();
      switch (request == null ? "" : request) {
        case "status" -> write(channel, mount.status());
        case "metrics" -> write(channel, mount.metrics());
        case "flush" -> flush(channel);
        case "follow" -> follow(channel, false);
        case "follow no-flush" -> follow(channel, true);
        default -> write(channel, "ERROR unknown request\n");
      }
    } catch (IOException e) {
      log.debug("An asker went away", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      connections.release();
    }
  }

  private void flush(SocketChannel channel) throws IOException, InterruptedException {
    Follower follower = new Follower();
    followers.add(follower);
    thread(
        () -> {
          try {
            mount.flush();
            follower.last("OK");
          } catch (IOException | RuntimeException e) {
            follower.last("ERROR " + oneLine(e));
          }
        },
        "control-flush");
    try {
      follower.relay(channel);
    } finally {
      followers.remove(follower);
    }
  }

  private void follow(SocketChannel channel, boolean noFlush)
      throws IOException, InterruptedException {
    Follower follower = new Follower();
    if (noFlush) {
      leaving.add(follower);
      mount.leaveDirty(true);
    }
    followers.add(follower);
    try {
      String ended = end;
      if (ended != null) {
        follower.last(ended);
      }
      write(channel, "PID " + ProcessHandle.current().pid() + "\n");
      follower.relay(channel);
    } finally {
      followers.remove(follower);
      if (leaving.remove(follower) && leaving.isEmpty() && end == null) {
        mount.leaveDirty(false);
      }
    }
  }

  private static String oneLine(Exception e) {
    return String.valueOf(e.getMessage()).replace('\n', ' ');
  }

  private static void write(SocketChannel channel, String text) throws IOException {
    ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Whether anybody listens to what is said. */
  public boolean isFollowed() {
    return !followers.isEmpty();
  }

  /** Tells a line to all who follow. */
  public void say(String line) {
    for (Follower follower : followers) {
      follower.say(line.replace('\n', ' '));
    }
  }

  /**
   * Tells all who follow how the mount ended, and waits a moment until they know.
   *
   * @param failure why not all is saved; null if it is
   */
  public void ended(@Nullable String failure) {
    String last = failure == null ? "OK" : "ERROR " + failure.replace('\n', ' ');
    end = last;
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LAST_WORDS_MILLIS);
    for (Follower follower : followers) {
      follower.last(last);
    }
    for (Follower follower : followers) {
      follower.awaitTold(deadline);
    }
  }

  /** Listens no more; the socket's name goes with it. */
  @Override
  public void close() throws IOException {
    Files.deleteIfExists(socket);
    listener.close();
  }

  /** Who is told things by a thread of his own, so that nobody waits for him. */
  private static final class Follower {

    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>(MAX_LINES);
    private final java.util.concurrent.CountDownLatch told =
        new java.util.concurrent.CountDownLatch(1);
    private volatile @Nullable String last;

    void say(String line) {
      boolean unused = lines.offer(line); // who does not read misses something
    }

    void last(String line) {
      last = line;
      say(""); // wakes it
    }

    void relay(SocketChannel channel) throws IOException, InterruptedException {
      try {
        while (true) {
          String line = lines.poll(1, TimeUnit.SECONDS);
          String finish = last;
          if (line != null && !line.isEmpty()) {
            write(channel, line + "\n");
          } else if (finish != null && lines.isEmpty()) {
            write(channel, finish + "\n");
            return;
          } else {
            write(channel, ".\n"); // fails if he went away
          }
        }
      } finally {
        told.countDown();
      }
    }

    void awaitTold(long deadline) {
      try {
        if (!told.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          log.debug("Somebody who followed the end does not read");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
