package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The commands that {@link DogLikeOriginalIT} compares: all there are, and all in the table. */
final class OriginalCommandsTest {

  private static final Path PAGE = Path.of("..", "docs", "dog-compat.md");

  /** Commands that are not compared there, and why. */
  private static final Set<String> NOT_COMPARED =
      Set.of(
          // the original does not have them, or only in a release that had no clusters of three
          "vdi import",
          "vdi export",
          "vdi diff",
          "vdi cache info",
          "vdi cache flush",
          "vdi cache purge",
          "vdi cache delete",
          "vdi cache fsck",
          "vdi cache warm",
          "vdi cache quota");

  static List<String> lines() throws IOException {
    try (InputStream in = OriginalCommandsTest.class.getResourceAsStream("original.commands")) {
      assertNotNull(in);
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isEmpty() && !line.startsWith("#"))
          .toList();
    }
  }

  @Test
  void commands_all_areCompared() throws IOException {
    List<String> lines = lines();
    List<String> missing = new ArrayList<>();
    WrongArgumentsTest.commands()
        .filter(command -> !NOT_COMPARED.contains(command))
        .filter(command -> lines.stream().noneMatch(line -> line.startsWith(command, 2)))
        .forEach(missing::add);
    assertEquals(List.of(), missing);
  }

  @Test
  void table_hasWhatIsCompared() throws IOException {
    List<String> rows = new ArrayList<>();
    String reason = "";
    for (String line : lines()) {
      switch (line.charAt(0)) {
        case '~' -> reason = line.substring(2);
        case '?', '!' -> {
          rows.add("| `dog " + line.substring(2) + "` | " + reason + " |");
          reason = "";
        }
        default -> reason = "";
      }
    }
    List<String> told =
        Files.readAllLines(PAGE).stream().filter(row -> row.startsWith("| `dog ")).toList();
    assertEquals(String.join("\n", rows), String.join("\n", told));
  }
}
