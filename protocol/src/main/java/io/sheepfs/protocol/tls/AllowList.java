package io.sheepfs.protocol.tls;

import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Who may do what with which VDIs, by the names in certificates. Its text has a rule on each line,
 * after a {@code #} there is comment:
 *
 * <pre>
 * # CERTIFICATE  RIGHT  VDI..
 * sheep*         all
 * desk           rw     desk-* scratch
 * backup         ro     *
 * </pre>
 *
 * In the names of certificates and VDIs {@code *} stands for any characters, {@code ?} for one. All
 * rules that match a certificate count. Who has no rule may do nothing. Immutable.
 */
public final class AllowList {

  /** What may be done with a VDI, its snapshots, and attributes; each includes those before it. */
  public enum Right {
    NONE,
    /** Look it up, and read it. */
    READ,
    /** Make, write, snapshot, lock and delete it. */
    WRITE
  }

  private enum Kind {
    RO,
    RW,
    ALL
  }

  private record Rule(Pattern certificate, Kind kind, List<Pattern> vdis) {}

  private final List<Rule> rules;

  private AllowList(List<Rule> rules) {
    this.rules = rules;
  }

  /**
   * Reads a file in UTF-8.
   *
   * @throws IOException if it cannot be read, or a line is no rule; the message names the line
   */
  public static AllowList read(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    List<Rule> rules = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).replaceFirst("#.*", "").strip();
      try {
        if (!line.isEmpty()) {
          rules.add(rule(line.split("\\s+")));
        }
      } catch (IllegalArgumentException e) {
        throw new IOException(file + ", line " + (i + 1) + ": " + e.getMessage(), e);
      }
    }
    return new AllowList(List.copyOf(rules));
  }

  private static Rule rule(String[] words) {
    if (words.length < 2) {
      throw new IllegalArgumentException("a rule is CERTIFICATE, then ro, rw or all, then VDIs");
    }
    Kind kind =
        switch (words[1]) {
          case "ro" -> Kind.RO;
          case "rw" -> Kind.RW;
          case "all" -> Kind.ALL;
          default -> throw new IllegalArgumentException("'" + words[1] + "' is not ro, rw or all");
        };
    if (kind == Kind.ALL && words.length > 2) {
      throw new IllegalArgumentException("'all' is for the whole cluster; leave the VDIs out");
    }
    if (kind != Kind.ALL && words.length == 2) {
      throw new IllegalArgumentException("VDIs are missing; * are all");
    }
    List<Pattern> vdis = Arrays.stream(words).skip(2).map(AllowList::pattern).toList();
    return new Rule(pattern(words[0]), kind, vdis);
  }

  private static Pattern pattern(String glob) {
    StringBuilder regex = new StringBuilder();
    glob.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '*' -> regex.append(".*");
                case '?' -> regex.append('.');
                default -> regex.append(Pattern.quote(Character.toString(c)));
              }
            });
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  /** What the holder of a certificate with this name may do. */
  public Grant of(String certificate) {
    return new Grant(
        rules.stream().filter(rule -> rule.certificate.matcher(certificate).matches()).toList());
  }

  /** What one may do. Immutable. */
  public static final class Grant {
    private final List<Rule> rules;

    private Grant(List<Rule> rules) {
      this.rules = rules;
    }

    /** Whether there is nothing at all. */
    public boolean isEmpty() {
      return rules.isEmpty();
    }

    /** Everything with all VDIs, administration, and what sheep ask of each other. */
    public boolean isAll() {
      return rules.stream().anyMatch(rule -> rule.kind == Kind.ALL);
    }

    /** The most that may be done with a VDI. */
    public Right on(VdiName vdi) {
      Right most = Right.NONE;
      for (Rule rule : rules) {
        if (rule.kind == Kind.ALL) {
          return Right.WRITE;
        }
        if (rule.vdis.stream().anyMatch(glob -> glob.matcher(vdi.value()).matches())) {
          Right right = rule.kind == Kind.RW ? Right.WRITE : Right.READ;
          most = right.compareTo(most) > 0 ? right : most;
        }
      }
      return most;
    }

    /** Whether that much may be done with a VDI. */
    public boolean permits(Right right, VdiName vdi) {
      return on(vdi).compareTo(right) >= 0;
    }
  }
}
