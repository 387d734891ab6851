package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The units, and what the programs tell systemd; where its tools are installed. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SystemdIT {

  private static final Path BIN = MountedStore.ROOT.resolve("bin");

  /** Stands for systemd: starts a service without any environment, and prints what it is told. */
  private static final String MANAGER =
      """
      import os, signal, socket, subprocess, sys
      listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
      listener.settimeout(120)
      listener.bind(sys.argv[1])
      service = subprocess.Popen(sys.argv[2:], env={
          "NOTIFY_SOCKET": sys.argv[1], "WATCHDOG_USEC": "600000"})
      def until(word):
          while True:
              told = listener.recv(4096).decode()
              print(told, flush=True)
              if word in told:
                  return
      try:
          until("READY=1")
          until("WATCHDOG=1")
          service.send_signal(signal.SIGTERM)
          until("STOPPING=1")
          sys.exit(service.wait(120))
      finally:
          service.kill()
      """;

  @TempDir private Path folder;

  @Test
  void units_areAcceptedBySystemd() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/systemd-analyze")), "no systemd here");
    List<String> command = new ArrayList<>(List.of("systemd-analyze", "verify", "--man=no"));
    Path units = MountedStore.ROOT.resolve("packaging/systemd");
    try (DirectoryStream<Path> all = Files.newDirectoryStream(units, "*.service")) {
      for (Path unit : all) {
        String text = Files.readString(unit).replace("/usr/bin/", BIN + "/");
        Path copy = folder.resolve(unit.getFileName().toString().replace("@.", "@x."));
        command.add(Files.writeString(copy, text).toString());
      }
    }
    assertEquals(6, command.size(), command::toString);
    assertEquals("", Shell.check(command.toArray(String[]::new)));
  }

  private String manage(String program, String... arguments) throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/systemd-notify")), "no systemd here");
    List<String> command =
        new ArrayList<>(List.of("python3", "-c", MANAGER, folder.resolve("notify").toString()));
    command.add(BIN.resolve(program).toString());
    command.addAll(List.of(arguments));
    return Shell.check(command.toArray(String[]::new));
  }

  @Test
  void sheepfs_asAServiceWithoutEnvironment_tellsWhenItIsReadyAndEnds() throws Exception {
    Path mountpoint = Files.createDirectory(folder.resolve("mnt"));
    String store = folder.resolve("store").toString();
    String told = manage("sheepfs", "-f", "--store", store, mountpoint.toString());
    assertTrue(told.contains("is mounted at " + mountpoint), told);
    assertTrue(told.contains("STOPPING=1"), told);
  }

  @Test
  void sheep_asAServiceWithoutEnvironment_tellsWhenItIsReadyAndEnds() throws Exception {
    String told = manage("sheep", "-f", "-p", "0", folder.resolve("store").toString());
    assertTrue(told.contains("STATUS=serving"), told);
  }

  @Test
  void sbd_asAServiceWithoutEnvironment_tellsWhenItIsReadyAndEnds() throws Exception {
    String told =
        manage(
            "sbd",
            "serve",
            "-f",
            "--store",
            folder.resolve("store").toString(),
            "--unix",
            folder.resolve("nbd.sock").toString());
    assertTrue(told.contains("STATUS=serving"), told);
  }
}
