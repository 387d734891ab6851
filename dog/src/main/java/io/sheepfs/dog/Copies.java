package io.sheepfs.dog;

import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A new number of replicas, in the argument of {@code -c}. */
final class Copies {

  private static final int DEFAULT = 3;

  private Copies() {}

  /**
   * The number.
   *
   * @param whose for the message if there is no argument: "vdi" or "cluster"
   */
  static int parse(Session session, @Nullable String text, String whose) throws DogException {
    if (text == null) {
      session
          .out()
          .println(
              "The "
                  + whose
                  + "'s redundancy level is not specified, use "
                  + DEFAULT
                  + " as default.");
      return DEFAULT;
    }
    if (text.indexOf(':') >= 0) {
      throw DogException.usage("Erasure coding is not supported: give a number of copies to '-c'");
    }
    return DogCommand.number(text, "copies", 1, 8);
  }

  /** Whether to go on although there may be fewer nodes than copies. */
  static boolean confirmed(Session session, int copies) throws IOException, SheepException {
    int nodes = session.cluster().nodes().size();
    return copies <= nodes
        || DogCommand.confirm(
            session,
            "Number of copies ("
                + copies
                + ") is larger than number of nodes ("
                + nodes
                + ").\nAre you sure you want to continue?");
  }
}
