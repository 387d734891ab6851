package io.sheepfs.dog;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;

/** Runs commands in this process, and keeps what the last one printed. */
abstract class DogConsole {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  /** The way to the nodes. */
  abstract Environment.Network network();

  /** Runs a command, and returns its exit code. */
  int run(byte[] input, String... args) {
    out.reset();
    err.reset();
    return Dog.run(environment(input, network(), out, err), args);
  }

  final int run(String... args) {
    return run(new byte[0], args);
  }

  /** A world without terminals, in which no time passes. */
  static Environment environment(
      byte[] input,
      Environment.Network network,
      ByteArrayOutputStream out,
      ByteArrayOutputStream err) {
    return new Environment(
        new ByteArrayInputStream(input),
        new PrintStream(out, false, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        false,
        false,
        ZoneOffset.UTC,
        network,
        time -> false);
  }

  final String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  final byte[] outBytes() {
    return out.toByteArray();
  }

  final String err() {
    return err.toString(StandardCharsets.UTF_8);
  }
}
