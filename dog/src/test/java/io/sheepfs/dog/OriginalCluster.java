package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Some of the original's sheep on this machine, and both dogs to ask them. */
final class OriginalCluster implements AutoCloseable {

  private static final Path PROGRAMS = Path.of(System.getProperty("sheepfs.csheep", "."));

  private final Path folder;
  private final int port;
  private final List<Process> sheep = new ArrayList<>();

  /** Starts the sheep, at the port and those after it. */
  OriginalCluster(Path folder, int port, int nodes) throws IOException, InterruptedException {
    this.folder = Files.createDirectories(folder);
    this.port = port;
    for (int node = 0; node < nodes; node++) {
      start(node);
    }
  }

  /** Starts a sheep, again if it was stopped. */
  void start(int node) throws IOException, InterruptedException {
    Path store = Files.createDirectories(folder.resolve("node" + node));
    Process process =
        new ProcessBuilder(
                PROGRAMS.resolve("sheep").toString(),
                "-f",
                "-n",
                "-b",
                "127.0.0.1",
                "-p",
                Integer.toString(port + node),
                "-z",
                Integer.toString(node + 1),
                "-l",
                "level=info,dir=" + store,
                "-c",
                "local:" + folder.resolve("members"),
                store.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    sheep.add(process);
    await("a sheep does not join", () -> lines("node list -r") == sheep.size());
  }

  private interface Condition {
    boolean holds() throws IOException, InterruptedException;
  }

  private static void await(String otherwise, Condition condition)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.holds()) {
      assertTrue(System.nanoTime() < deadline, otherwise);
    }
  }

  private long lines(String command) throws IOException, InterruptedException {
    return original(command, Map.of()).out().lines().count();
  }

  /** {@code damage OBJECT NODE}, {@code lose OBJECT NODE}, or {@code settle}. */
  void prepare(String command) throws IOException, InterruptedException {
    String[] words = command.split(" ", -1);
    if (words[0].equals("settle")) {
      await("a node recovers", () -> lines("node recovery -r") == 0);
      return;
    }
    Path object = folder.resolve("node" + words[2]).resolve("obj").resolve(words[1]);
    if (words[0].equals("lose")) {
      Files.delete(object);
      return;
    }
    byte[] bytes = Files.readAllBytes(object);
    bytes[100] ^= 1;
    Files.write(object, bytes);
  }

  /** Runs the original's dog. */
  DogLikeOriginalIT.Outcome original(String command, Map<String, byte[]> files)
      throws IOException, InterruptedException {
    Line line = new Line(command, files);
    List<String> words = new ArrayList<>(List.of(PROGRAMS.resolve("dog").toString()));
    words.addAll(line.words());
    ProcessBuilder builder = new ProcessBuilder(words);
    builder.environment().put("TZ", "UTC");
    Process process = builder.start();
    CompletableFuture<byte[]> err =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return process.getErrorStream().readAllBytes();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    try (OutputStream in = process.getOutputStream()) {
      in.write(line.input());
    } catch (IOException e) {
      assertFalse(process.isAlive() && line.input().length == 0, e::toString); // it read not all
    }
    byte[] out = process.getInputStream().readAllBytes();
    int exitCode = process.waitFor();
    return line.outcome(exitCode, out, new String(err.join(), StandardCharsets.UTF_8));
  }

  /** Runs ours. */
  DogLikeOriginalIT.Outcome our(String command, Map<String, byte[]> files) {
    Line line = new Line(command, files);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Environment environment = DogConsole.environment(line.input(), new RemoteNetwork(), out, err);
    int exitCode = Dog.run(environment, line.words().toArray(new String[0]));
    return line.outcome(exitCode, out.toByteArray(), err.toString(StandardCharsets.UTF_8));
  }

  /** A command with its standard input and output. */
  private final class Line {

    private final List<String> words;
    private final byte[] input;
    private final String file;
    private final Map<String, byte[]> files;

    Line(String text, Map<String, byte[]> files) {
      this.files = files;
      String[] toFile = text.split(" > ", -1);
      String[] fromFile = toFile[0].split(" < ", -1);
      this.file = toFile.length > 1 ? toFile[1] : "";
      this.input = fromFile.length > 1 ? input(fromFile[1]) : new byte[0];
      this.words =
          new ArrayList<>(
              Arrays.asList(fromFile[0].replace("DIR", folder.toString()).split(" ", -1)));
      if (words.size() > 1) {
        words.addAll(List.of("-a", "127.0.0.1", "-p", Integer.toString(port)));
      }
    }

    private byte[] input(String what) {
      byte[] bytes = files.get(what);
      if (bytes == null && !Character.isDigit(what.charAt(0))) {
        bytes = (what + "\n").getBytes(StandardCharsets.US_ASCII);
      } else if (bytes == null) {
        bytes = new byte[Integer.parseInt(what)];
        Arrays.fill(bytes, (byte) 'x');
      }
      return bytes;
    }

    List<String> words() {
      return words;
    }

    byte[] input() {
      return input;
    }

    DogLikeOriginalIT.Outcome outcome(int exitCode, byte[] out, String err) {
      if (!file.isEmpty()) {
        files.put(file, out);
      }
      return new DogLikeOriginalIT.Outcome(exitCode, normal(out), err);
    }

    /** Without what differs between two clusters. */
    private String normal(byte[] out) {
      String text = new String(out, StandardCharsets.ISO_8859_1);
      if (out.length > 1 << 16) {
        return text;
      }
      text = text.replace(folder.toString(), "DIR");
      for (int node = 0; node < 4; node++) {
        text = text.replace(":" + (port + node), ":PORT" + node);
      }
      text = text.replaceAll("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d", "TIME");
      if (words.get(0).equals("node") && words.get(1).matches("info|md")) {
        text = text.replaceAll("\\d{7,}|[0-9.]+ [MGT]B", "SIZE"); // of a disk that others use, too
      }
      return text;
    }
  }

  @Override
  public void close() {
    sheep.forEach(Process::destroy);
    for (Process process : sheep) {
      try {
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }
}
