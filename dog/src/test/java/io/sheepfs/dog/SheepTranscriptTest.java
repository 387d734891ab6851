package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What each command prints on a sheep of ours: times, and the sizes of the disk, are made the same.
 * When it fails, {@code target/sheep.transcript} has what was printed, to look at the difference.
 */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
final class SheepTranscriptTest {

  private static final Path PLAYED = Path.of("target", "sheep.transcript");

  @TempDir private Path folder;

  private final Map<String, byte[]> files = new HashMap<>();

  @Test
  void everyCommand_onOurSheep_printsWhatItDid() throws IOException {
    List<String> recorded = new ArrayList<>();
    List<String> played = new ArrayList<>();
    try (DogOnSheep dog = new DogOnSheep(folder.resolve("store"), false)) {
      for (String line : transcript()) {
        recorded.add(line);
        if (line.startsWith("$ ")) {
          played.add(line);
          played.addAll(play(dog, line.substring(2)));
        } else if (line.startsWith("#") || line.isEmpty()) {
          played.add(line);
        }
      }
    }
    Files.createDirectories(PLAYED.getParent());
    Files.write(PLAYED, played);
    assertEquals(String.join("\n", recorded), String.join("\n", played));
  }

  private List<String> play(DogOnSheep dog, String command) {
    String[] withOutput = command.split(" > ", -1);
    String[] withInput = withOutput[0].split(" < ", -1);
    String[] words = withInput[0].replace("DIR", folder.toString()).split(" ", -1);
    byte[] input = withInput.length < 2 ? new byte[0] : input(withInput[1]);
    int exitCode = dog.run(input, Arrays.copyOfRange(words, 1, words.length));
    List<String> lines = new ArrayList<>();
    if (withOutput.length > 1) {
      files.put(withOutput[1], dog.outBytes());
      lines.add(dog.err());
    } else {
      lines.add(dog.out());
      lines.add(dog.err());
    }
    List<String> normal = new ArrayList<>();
    lines.forEach(text -> text.lines().forEach(line -> normal.add(normalize(command, line))));
    normal.removeIf(String::isEmpty);
    normal.add("? " + exitCode);
    return normal;
  }

  private byte[] input(String what) {
    byte[] file = files.get(what);
    if (file != null) {
      return file;
    }
    byte[] bytes = new byte[Integer.parseInt(what.replace(" bytes", ""))];
    Arrays.fill(bytes, (byte) 'x');
    return bytes;
  }

  private String normalize(String command, String line) {
    String text =
        line.replace(folder.toString(), "DIR")
            .replaceAll("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d(:\\d\\d)?", "DATE TIME")
            .replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z", "DATE TIME")
            .replaceAll("[A-Z][a-z]{2} [A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d \\d{4}", "TIME")
            .replaceAll("Date: +[-\\d]+", "Date: DATE")
            .replaceAll("Time: +[:\\d]+", "Time: TIME")
            .replaceAll("_(c?time): [0-9a-f]{9,}", "_$1: TIME")
            .replaceAll("\\b[12]\\d{9}\\b", "SECONDS");
    return command.matches("dog node (info|md info|stat).*")
        ? text.replaceAll("[0-9][0-9.]*( [MGTP]B)?", "N").replaceAll(" +N", " N")
        : text;
  }

  static List<String> transcript() throws IOException {
    try (InputStream in = SheepTranscriptTest.class.getResourceAsStream("sheep.transcript")) {
      assertNotNull(in);
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }
}
