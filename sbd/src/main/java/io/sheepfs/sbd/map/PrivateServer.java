package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * An NBD server for one device: an sbd process that nobody else is to use.
 *
 * @param socket where it listens; only root can connect
 */
record PrivateServer(Path socket) {

  /** Starts it, and returns when it listens. */
  void start(Path program, Target target, MapOptions options, Path log) throws IOException {
    List<String> command = new ArrayList<>();
    command.addAll(List.of(program.toString(), "serve", "--unix", socket.toString()));
    command.addAll(List.of("-a", target.host(), "-p", Integer.toString(target.port())));
    command.addAll(List.of("--timeout", Long.toString(options.timeout().toSeconds())));
    command.addAll(List.of("--log-file", log.toString()));
    if (options.readOnly()) {
      command.add("--read-only");
    }
    Program.run(command.toArray(String[]::new));
  }

  boolean isRunning() {
    return !process().running().isEmpty();
  }

  /** Ends it, if it runs; it writes out what it has first. */
  void end() throws IOException {
    process().running().forEach(ProcessHandle::destroy);
    process().awaitEnd();
  }

  private PrivateProcess process() {
    return new PrivateProcess("io.sheepfs.sbd.Sbd", socket.toString());
  }
}
