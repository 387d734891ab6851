package io.sheepfs.dog;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code dog node log level list}. */
@Command(name = "list", description = "Lists the log levels that there are.")
final class NodeLogLevelList extends DogCommand {

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  NodeLogLevelList(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) {
    JsonArray rows = new JsonArray(session.out());
    for (LogLevel level : LogLevel.values()) {
      if (json) {
        rows.add(new JsonObject().put("level", level.number()).put("name", level.text()));
      } else {
        session.out().println(level.text() + "\t(" + level.number() + ")");
      }
    }
    if (json) {
      rows.end();
    }
    return ExitCode.SUCCESS;
  }
}
