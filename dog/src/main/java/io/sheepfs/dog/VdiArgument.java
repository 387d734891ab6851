package io.sheepfs.dog;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The VDI, or the snapshot of it, that a command is about: {@code [-s SNAPSHOT] NAME}. */
final class VdiArgument {

  @Option(
      names = {"-s", "--snapshot"},
      paramLabel = "SNAPSHOT",
      description = DogCommand.SNAPSHOT)
  private @Nullable String snapshot;

  @Parameters(index = "0", paramLabel = "NAME")
  private String name = "";

  /** The name as it was typed. */
  String name() {
    return name;
  }

  /** What was typed, if it makes sense. */
  VdiReference parse() throws DogException {
    return new VdiReference(DogCommand.name(name), DogCommand.snapshot(snapshot));
  }

  /** Looks it up in the cluster. */
  VdiInfo find(Session session) throws SheepException, DogException {
    return session.find(parse());
  }
}
