package io.sheepfs.protocol;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.function.ToIntFunction;

/**
 * Command lines as nobody means them: options without values and values without options, numbers
 * out of any range, empty and broken words. Whatever they are, a program has to end with an exit
 * code for wrong usage and say why, or to accept them; and never to show its insides.
 *
 * <p>A program's streams have to be {@link System#out} and {@link System#err} when it is run.
 */
public final class RandomArguments {

  private static final List<String> VALUES =
      List.of(
          "",
          " ",
          "-",
          "--",
          "---",
          "=",
          "-=",
          "--=",
          "0",
          "-1",
          "+1",
          "65535",
          "65536",
          "2147483648",
          "99999999999999999999",
          "1e9",
          "-0.5",
          "NaN",
          "Infinity",
          "0x10",
          "1M",
          "1.5T",
          "9E",
          "K",
          "off",
          "OFF",
          "a b",
          "@",
          "@/",
          "@/tmp",
          "@/nonexistent",
          "/",
          "/dev/null/x",
          "..",
          "ro",
          "ro,",
          ",",
          ",,=,",
          "uid=",
          "uid=-1",
          "umask=9",
          "size=",
          "=ro",
          "127.0.0.1",
          "[::1]:7000",
          "[::1",
          "::1",
          "host:99999",
          "host:",
          ":",
          ":0",
          "a:b:c",
          "zookeeper:",
          "zookeeper:h:1",
          "zookeeper:h:1/",
          "zookeeper:h:1/c/d",
          "local",
          "${x}",
          "${sys:user.home}",
          "%s%n%d",
          "\\",
          "'",
          "\"",
          "*",
          "x".repeat(5000));

  private final Random random;
  private final List<String> words;

  /**
   * Words to choose from.
   *
   * @param known the program's options and commands
   */
  public RandomArguments(long seed, Collection<String> known) {
    random = new Random(seed);
    words = List.copyOf(known);
  }

  private String[] next() {
    List<String> arguments = new ArrayList<>();
    for (int left = random.nextInt(7); left > 0; left--) {
      arguments.add(word());
    }
    return arguments.toArray(String[]::new);
  }

  private String word() {
    String option = words.get(random.nextInt(words.size()));
    String value = VALUES.get(random.nextInt(VALUES.size()));
    return switch (random.nextInt(8)) {
      case 0, 1, 2 -> option;
      case 3 -> option + "=" + value;
      case 4 -> option + value;
      case 5 -> option.substring(0, random.nextInt(option.length() + 1));
      default -> value;
    };
  }

  /**
   * Runs a program many times.
   *
   * @param program returns its exit code
   * @param wrongUsage its exit code for wrong arguments
   * @throws AssertionError with the arguments that it did not take well
   */
  public void check(int times, int wrongUsage, ToIntFunction<String[]> program) {
    int refused = 0;
    for (int i = 0; i < times; i++) {
      String[] arguments = next();
      refused += check(arguments, wrongUsage, program);
    }
    System.out.printf("%d of %d command lines refused%n", refused, times);
    if (refused == 0 || refused == times) {
      throw new AssertionError(refused + " of " + times + " were refused");
    }
  }

  private static int check(String[] arguments, int wrongUsage, ToIntFunction<String[]> program) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    int code;
    try {
      System.setOut(new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
      code = program.applyAsInt(arguments);
    } catch (RuntimeException e) {
      throw new AssertionError("thrown for " + List.of(arguments), e);
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
    String text = said.toString(StandardCharsets.UTF_8);
    if (code == 0) {
      return 0;
    }
    String first = text.lines().findFirst().orElse("");
    if (code != wrongUsage
        || first.length() < 10
        || text.contains("\tat ")
        || text.contains("Exception")
        || text.contains("please report")) {
      throw new AssertionError(List.of(arguments) + " ends with " + code + " and says:\n" + text);
    }
    return 1;
  }
}
