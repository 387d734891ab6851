package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.ResultCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog node md plug} and {@code unplug}. */
abstract class NodeMdChange extends DogCommand {

  private final Opcode opcode;
  private final String question;

  @Option(
      names = {"-f", "--force"},
      description = FORCE)
  private boolean force;

  @Option(
      names = {"-A", "--all"},
      hidden = true,
      description = "taken for the original's sake")
  boolean all;

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  boolean raw;

  @Parameters(paramLabel = "PATHS", description = "directories, separated by commas")
  private String paths = "";

  private NodeMdChange(Environment environment, Opcode opcode, String question) {
    super(environment);
    this.opcode = opcode;
    this.question = question;
  }

  /** Adds disks. */
  @Command(name = "plug", description = "Adds disks to a node; what is on them is lost.")
  static final class Plug extends NodeMdChange {
    Plug(Environment environment) {
      super(
          environment,
          Opcode.MD_PLUG,
          "Caution! The directories to be plugged will be purged.\n"
              + "Are you sure you want to continue?");
    }
  }

  /** Takes disks away. */
  @Command(name = "unplug", description = "Takes disks from a node; their data is recovered.")
  static final class Unplug extends NodeMdChange {
    Unplug(Environment environment) {
      super(
          environment,
          Opcode.MD_UNPLUG,
          "Caution! Recovery will be triggered after unplugging.\n"
              + "Are you sure you want to continue?");
    }
  }

  @Override
  final ExitCode run(Session session) throws IOException, DogException {
    if (paths.isEmpty()) {
      throw DogException.usage("Please specify the paths of the disks");
    }
    if (!force && !confirm(session, question)) {
      return ExitCode.SUCCESS;
    }
    byte[] text = paths.getBytes(StandardCharsets.UTF_8);
    ByteBuffer body = ByteBuffer.allocate(text.length + 1).put(0, text);
    Reply reply = session.sheep().send(opcode, 0, new RequestFields.None(), body);
    if (reply.result() == ResultCode.NO_SUPPORT) {
      throw DogException.failure(
          "The sheep at " + endpoint() + " keeps its objects on one disk and takes no others");
    }
    if (reply.result() != ResultCode.SUCCESS) {
      throw DogException.failure(
          "Failed to execute request: "
              + reply.result().text()
              + ". The log of the sheep at "
              + endpoint()
              + " tells more");
    }
    return ExitCode.SUCCESS;
  }
}
