package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class StandardOutputTest {

  private static StandardOutput failing(String message) {
    return new StandardOutput(
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException(message);
          }
        });
  }

  private static void print(StandardOutput to) {
    new PrintStream(to, true, StandardCharsets.UTF_8).println("a line");
  }

  @Test
  void write_diskFull_isToldWithItsCause() {
    StandardOutput full = failing("No space left on device");
    print(full);
    assertEquals("Cannot write to standard output: No space left on device", full.complaint());
  }

  @Test
  void write_readerGone_isNoComplaint() {
    StandardOutput pipe = failing("Broken pipe");
    print(pipe);
    assertNull(pipe.complaint());
  }

  @Test
  void write_taken_arrives() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    StandardOutput good = new StandardOutput(bytes);
    print(good);
    assertNull(good.complaint());
    assertTrue(bytes.toString(StandardCharsets.UTF_8).startsWith("a line"));
  }
}
