package io.sheepfs.store.cluster;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * In which epochs unflushed changes may have been lost: what all copies of an object had, of which
 * none was forced when the machines lost their power, one after the other or all at once.
 *
 * <p>As text, if there is any: {@code lost EPOCH ...}, one for each number of copies from 1 on.
 *
 * @param epochs at n - 1 the last epoch in which objects of n copies may have lost something; 0 for
 *     none. Who has fewer copies loses as often, at least
 */
record Losses(List<Integer> epochs) {

  static final Losses NONE = new Losses(Collections.nCopies(Replica.MAX_NODES, 0));

  private static final String WORD = "lost";

  Losses {
    epochs = List.copyOf(epochs);
    if (epochs.size() != Replica.MAX_NODES) {
      throw new IllegalArgumentException(epochs.size() + " numbers of copies");
    }
  }

  /** The last epoch in which objects of so many copies may have lost something. */
  int of(int copies) {
    return epochs.get(Math.min(copies, epochs.size()) - 1);
  }

  /** The same after an epoch in which so many nodes had lost or did not have what was unflushed. */
  Losses with(int nodes, int epoch) {
    List<Integer> later = new ArrayList<>(epochs);
    for (int i = 0; i < Math.min(nodes, later.size()); i++) {
      later.set(i, epoch);
    }
    return new Losses(later);
  }

  /**
   * When objects have moved: what has another number of copies now must not go back to an epoch in
   * which it had lost less.
   */
  Losses afterMove() {
    return new Losses(Collections.nCopies(epochs.size(), of(1)));
  }

  String encode() {
    if (equals(NONE)) {
      return ""; // as an earlier version has it
    }
    StringBuilder text = new StringBuilder(WORD);
    epochs.forEach(epoch -> text.append(' ').append(epoch.intValue()));
    return text.append('\n').toString();
  }

  /** Whether a line is that of {@link #encode}. */
  static boolean isOne(String line) {
    return line.startsWith(WORD + " ");
  }

  /** That among the lines of a text. */
  static Losses decode(String text) {
    return text.lines()
        .filter(Losses::isOne)
        .findFirst()
        .map(
            line ->
                new Losses(
                    List.of(line.split(" ", -1)).stream().skip(1).map(Integer::valueOf).toList()))
        .orElse(NONE);
  }
}
