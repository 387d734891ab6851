package io.sheepfs.dog;

import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * A completion function for zsh: behind the words of a command it offers what that command takes,
 * each with its description, and files where anything can stand.
 */
final class ZshCompletion {

  private final StringBuilder script = new StringBuilder();

  private ZshCompletion() {}

  /** The script, to be installed as {@code _dog} in zsh's path of functions, or sourced. */
  static String of(CommandLine dog) {
    ZshCompletion completion = new ZshCompletion();
    completion
        .line("#compdef dog")
        .line("_dog() {")
        .line("  local context=dog word")
        .line("  local -a offered")
        .line("  for word in \"${(@)words[2,CURRENT-1]}\"; do")
        .line("    case \"$context $word\" in");
    completion.contexts(dog, "dog");
    completion
        .line("    esac")
        .line("  done")
        .line("  case \"$context${${(M)PREFIX:#-*}:+ -}\" in");
    completion.offers(dog, "dog");
    completion
        .line("    *) _files ;;")
        .line("  esac")
        .line("}")
        .line("if [[ $ZSH_EVAL_CONTEXT == *loadautofunc* ]]; then")
        .line("  _dog \"$@\"")
        .line("else")
        .line("  compdef _dog dog")
        .line("fi");
    return completion.script.toString();
  }

  private ZshCompletion line(String text) {
    script.append(text).append('\n');
    return this;
  }

  /** Which words lead deeper. */
  private void contexts(CommandLine command, String words) {
    command
        .getSubcommands()
        .forEach(
            (name, sub) -> {
              if (!sub.getCommandSpec().usageMessage().hidden()) {
                line("      '" + words + " " + name + "') context='" + words + " " + name + "' ;;");
                contexts(sub, words + " " + name);
              }
            });
  }

  /** What is offered behind some words, and behind a dash after them. */
  private void offers(CommandLine command, String words) {
    line("    '" + words + " -')");
    line("      offered=(");
    for (OptionSpec option : command.getCommandSpec().options()) {
      if (!option.hidden()) {
        for (String name : option.names()) {
          line("        " + quote(name, description(option.description())));
        }
      }
    }
    line("      )");
    line("      _describe -o option offered ;;");
    Map<String, CommandLine> below = command.getSubcommands();
    if (!below.isEmpty()) {
      line("    '" + words + "')");
      line("      offered=(");
      below.forEach(
          (name, sub) -> {
            CommandSpec spec = sub.getCommandSpec();
            if (!spec.usageMessage().hidden()) {
              line("        " + quote(name, description(spec.usageMessage().description())));
            }
          });
      line("      )");
      line("      _describe command offered ;;");
      below.forEach((name, sub) -> offersUnlessHidden(sub, words + " " + name));
    }
  }

  private void offersUnlessHidden(CommandLine command, String words) {
    if (!command.getCommandSpec().usageMessage().hidden()) {
      offers(command, words);
    }
  }

  private static String description(String[] lines) {
    return String.join(" ", lines).replace("%n", " ").replaceAll(" \\(default: \\$.*?\\)", "");
  }

  private static String quote(String name, String description) {
    String text = description.isEmpty() ? name : name + ":" + description;
    return "'" + text.replace("'", "'\\''") + "'";
  }
}
