package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.sheepfs.protocol.MemoryCluster;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the original printed, byte for byte but for the times. */
final class TranscriptTest {

  @Test
  void vdiCommands_likeTheOriginal() throws IOException {
    List<String> recorded = new ArrayList<>();
    List<String> played = new ArrayList<>();
    DogRunner dog = new DogRunner(new MemoryCluster());
    for (String line : transcript()) {
      recorded.add(withoutTimes(line));
      if (line.startsWith("$ ")) {
        played.add(line);
        String[] command = line.substring(2).split(" < ", -1);
        int exitCode = dog.run(input(command), arguments(command[0]));
        (dog.out() + dog.err()).lines().map(TranscriptTest::withoutTimes).forEach(played::add);
        played.add("? " + exitCode);
      }
    }
    assertEquals(String.join("\n", recorded), String.join("\n", played));
  }

  private static List<String> transcript() throws IOException {
    try (InputStream in = TranscriptTest.class.getResourceAsStream("vdi.transcript")) {
      assertNotNull(in);
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#") && !line.isEmpty())
          .toList();
    }
  }

  private static String[] arguments(String command) {
    String[] words = command.split(" ", -1);
    return Arrays.copyOfRange(words, 1, words.length);
  }

  private static byte[] input(String[] command) {
    int bytes = command.length < 2 ? 0 : Integer.parseInt(command[1].replace(" bytes", ""));
    byte[] input = new byte[bytes];
    Arrays.fill(input, (byte) 'x');
    return input;
  }

  private static String withoutTimes(String line) {
    return line.replaceAll("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d", "DATE TIME")
        .replaceAll("\\b[12]\\d{9}\\b", "SECONDS");
  }
}
