package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Every command is in the transcript of {@link SheepTranscriptTest}, and every {@code --json}; and
 * what this prints has the members that the manual page promises.
 */
final class TranscriptCoverageTest {

  private static final Path PAGE = Path.of("..", "docs", "man", "dog.8");
  private static final Pattern MEMBER = Pattern.compile("\"([a-z_]+)\":");

  private static boolean isPlayed(List<String> transcript, String words) {
    return transcript.stream().anyMatch(line -> (line + " ").startsWith("$ dog " + words + " "));
  }

  @Test
  void command_any_isInTheTranscript() throws IOException {
    List<String> transcript = SheepTranscriptTest.transcript();
    assertEquals(
        List.of(),
        WrongArgumentsTest.commands().filter(words -> !isPlayed(transcript, words)).toList());
  }

  @Test
  void json_any_hasTheMembersThatArePromised() throws IOException {
    List<String> transcript = SheepTranscriptTest.transcript();
    Map<String, String> promised = formats();
    List<String> wrong = new ArrayList<>();
    for (String words : WrongArgumentsTest.commands().toList()) {
      if (!WrongArgumentsTest.command(words).getCommandSpec().optionsMap().containsKey("--json")) {
        continue;
      }
      List<String> members = promised(promised.getOrDefault(words, ""));
      boolean printed = false;
      for (int i = 0; i < transcript.size(); i++) {
        if (transcript.get(i).startsWith("$ dog " + words)
            && transcript.get(i).contains("--json")) {
          printed = true;
          String json = transcript.get(i + 1);
          if (json.contains("{") && !members(json).containsAll(members)) {
            wrong.add(words + ": " + json + " without " + members);
          }
          for (String member : members(json)) {
            if (!promised.getOrDefault(words, "").matches("(?s).*\\b" + member + "\\b.*")) {
              wrong.add(words + ": " + member + " is not told in dog(8)");
            }
          }
        }
      }
      if (!printed) {
        wrong.add(words + " --json is not in the transcript");
      }
    }
    assertEquals(List.of(), wrong);
  }

  /** The section FORMATS of the page, by command. */
  private static Map<String, String> formats() throws IOException {
    Map<String, String> formats = new TreeMap<>();
    String section = Files.readString(PAGE);
    section = section.substring(section.indexOf(".SH FORMATS"), section.indexOf(".SH EXIT"));
    Matcher entries = Pattern.compile("\\.TP\\n\\.B ([a-z -]+)\\n([^\\n]+)\\n").matcher(section);
    while (entries.find()) {
      formats.put(entries.group(1), entries.group(2));
    }
    return formats;
  }

  /** The members that are told: words before commas, without what is said about them. */
  private static List<String> promised(String format) {
    String bare = format.replaceAll("\\([^)]*\\)", "").replaceAll(";.*", "");
    List<String> members = new ArrayList<>();
    Matcher word = Pattern.compile("([a-z_]+)(?= *(?:,|\\]|$|: \\[))").matcher(bare);
    while (word.find()) {
      members.add(word.group(1));
    }
    return members;
  }

  private static List<String> members(String json) {
    return MEMBER.matcher(json).results().map(result -> result.group(1)).toList();
  }
}
