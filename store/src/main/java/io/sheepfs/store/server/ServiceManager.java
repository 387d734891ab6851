package io.sheepfs.store.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells systemd how a service of {@code Type=notify} does. Java has no datagram sockets of the Unix
 * domain, so {@code systemd-notify} speaks for us, which the unit allows by {@code
 * NotifyAccess=all}. Where no service manager listens, nothing happens.
 */
public final class ServiceManager {

  private static final Logger log = LoggerFactory.getLogger(ServiceManager.class);
  private static final List<Path> PROGRAMS =
      List.of(Path.of("/usr/bin/systemd-notify"), Path.of("/bin/systemd-notify"));
  private static final int ANSWER_SECONDS = 20;

  private static volatile boolean stopping;

  private ServiceManager() {}

  /** The service can be used. */
  public static void ready(String status) {
    tell("--ready", "--status=" + status);
  }

  /** Whether {@link #stopping} was called. */
  static boolean isStopping() {
    return stopping;
  }

  /** The service was asked, and answered. */
  static void alive() {
    tell("WATCHDOG=1");
  }

  /** The service begins to end, which may take time. */
  public static void stopping(String status) {
    stopping = true;
    tell("STOPPING=1", "--status=" + status);
  }

  private static void tell(String... words) {
    String socket = System.getenv("NOTIFY_SOCKET");
    if (socket == null || socket.isEmpty()) {
      return;
    }
    List<String> command = new ArrayList<>();
    for (Path program : PROGRAMS) {
      if (command.isEmpty() && Files.isExecutable(program)) {
        command.add(program.toString());
      }
    }
    if (command.isEmpty()) {
      log.warn("systemd waits on {}, but there is no systemd-notify", socket);
      return;
    }
    command.addAll(List.of(words));
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(ANSWER_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        log.warn("systemd was not told: {}", command);
      }
    } catch (IOException e) {
      log.warn("systemd was not told: {}", command, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
