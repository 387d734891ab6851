package io.sheepfs.dog;

import io.sheepfs.protocol.CacheCommand;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog vdi cache warm}, {@code quota} and {@code fsck}: words for the object cache of a
 * sheep, and what it answers. A mount takes the same words in its {@code config/objectcache}.
 */
abstract class VdiCacheOrder extends DogCommand {

  @Parameters(index = "0", paramLabel = "NAME")
  String name = "";

  private VdiCacheOrder(Environment environment) {
    super(environment);
  }

  /** Has an order carried out; returns what is behind the first word of the answer. */
  final String[] order(Session session, String words) throws IOException, DogException {
    ObjectId inode = ObjectId.inode(session.find(name(name)).vid());
    Reply reply =
        session
            .sheep()
            .call(
                Opcode.CACHE_COMMAND,
                0,
                RequestFields.Obj.of(inode, 0),
                CacheCommand.encode(words),
                CacheCommand.SIZE_BYTES);
    String answer =
        CacheCommand.decode(
            VdiCache.checked(reply, endpoint(), "ask the cache to " + words).body());
    String[] answered = answer.split(" +", -1);
    if (!words.startsWith(answered[0])) {
      throw DogException.failure("The sheep at " + endpoint() + " answered '" + answer + "'");
    }
    return Arrays.copyOfRange(answered, 1, answered.length);
  }

  final long count(String[] answer, int at) throws DogException {
    if (at < answer.length && isNumber(answer[at]) && answer[at].length() < 19) {
      return Long.parseLong(answer[at]);
    }
    throw DogException.failure(
        "The sheep at " + endpoint() + " answered '" + String.join(" ", answer) + "'");
  }

  /** Fetches a VDI before it is wanted. */
  @Command(
      name = "warm",
      description = "Fetches a virtual disk into the object cache of a node, and waits for it.")
  static final class Warm extends VdiCacheOrder {

    private static final Duration STEP = Duration.ofMillis(500);

    @Option(
        names = {"-b", "--background"},
        description = "only begin, and do not wait for the end")
    private boolean background;

    @Option(
        names = {"--stop"},
        description = "end what began in the background")
    private boolean stop;

    Warm(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws IOException, DogException {
      String[] answer = order(session, stop ? "warm stop" : "warm");
      if (!stop && !background) {
        answer = follow(session, answer);
      }
      String state = answer[0];
      String done = ByteSize.human(count(answer, 1)) + " of " + ByteSize.human(count(answer, 2));
      switch (state) {
        case "failed" ->
            throw DogException.failure(
                "VDI " + name + " could not be fetched behind " + done + "; see the sheep's log");
        case "full" ->
            throw new DogException(
                ExitCode.FULL,
                "The cache has no room for more of VDI "
                    + name
                    + " than "
                    + done
                    + ": see 'dog vdi cache quota "
                    + name
                    + "'");
        default -> session.out().println(state + ", " + done);
      }
      return ExitCode.SUCCESS;
    }

    private String[] follow(Session session, String[] first) throws IOException, DogException {
      String[] answer = first;
      try (Progress progress = new Progress(session, "warm " + name, 0)) {
        while (answer[0].equals("running")) {
          progress.reach(count(answer, 1), count(answer, 2));
          if (!session.environment().pause().await(STEP)) {
            return answer;
          }
          answer = order(session, "warm status");
        }
      }
      return answer;
    }
  }

  /** How much of the cache a VDI may have. */
  @Command(
      name = "quota",
      description = "Shows or sets how much of a node's object cache a virtual disk may have.")
  static final class Quota extends VdiCacheOrder {

    @Option(
        names = {"-r", "--raw"},
        description = RAW)
    private boolean raw;

    @Option(
        names = {"--json"},
        description = JSON)
    private boolean json;

    @Parameters(
        index = "1",
        paramLabel = "SIZE",
        arity = "0..1",
        description = "bytes, or with the suffix K, M, G or T; 'none' for no limit")
    private @Nullable String size;

    Quota(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws IOException, DogException {
      String words = "quota";
      if (size != null) {
        long bytes = size.equals("none") ? 0 : ByteSize.parse(size);
        if (bytes == 0 && !size.equals("none")) {
          throw DogException.usage("A quota of nothing makes no sense: for no limit, use 'none'");
        }
        words += " " + (bytes == 0 ? "none" : Long.toString(bytes));
      }
      String[] answer = order(session, words);
      long limit = count(answer, 0);
      long used = count(answer, 1);
      if (json) {
        session
            .out()
            .println(new JsonObject().put("name", name).put("limit", limit).put("used", used));
      } else if (raw) {
        session.out().println(limit + " " + used);
      } else {
        session
            .out()
            .println(
                (limit == 0 ? "no limit" : "limit " + ByteSize.human(limit))
                    + ", used "
                    + ByteSize.human(used));
      }
      return ExitCode.SUCCESS;
    }
  }

  /** Compares what is cached with its checksums. */
  @Command(
      name = "fsck",
      description = "Checks all that a node has cached of a virtual disk by its checksums.")
  static final class Fsck extends VdiCacheOrder {

    Fsck(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws IOException, DogException {
      String[] answer = order(session, "fsck");
      long lost = count(answer, 2);
      session
          .out()
          .println(
              ByteSize.human(count(answer, 0))
                  + " checked, "
                  + count(answer, 1)
                  + " damaged blocks dropped to be fetched again, "
                  + lost
                  + " lost");
      if (lost > 0) {
        throw DogException.failure(
            lost
                + " blocks of VDI "
                + name
                + " were damaged before they were flushed: reading them fails until they are"
                + " overwritten");
      }
      return ExitCode.SUCCESS;
    }
  }
}
