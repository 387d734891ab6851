package io.sheepfs.dog;

import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiName;
import org.jspecify.annotations.Nullable;

/**
 * A VDI, or one of its snapshots, in one argument: {@code NAME} or {@code NAME@SNAPSHOT}. The last
 * {@code @} counts; behind one, nothing means the working VDI, so that a name with an {@code @} is
 * written with another at its end.
 */
record VdiReference(VdiName name, @Nullable SnapshotSelector snapshot) {

  static VdiReference parse(String text) throws DogException {
    int at = text.lastIndexOf('@');
    if (at < 0) {
      return new VdiReference(DogCommand.name(text), null);
    }
    String snapshot = text.substring(at + 1);
    return new VdiReference(
        DogCommand.name(text.substring(0, at)),
        snapshot.isEmpty() ? null : DogCommand.snapshot(snapshot));
  }
}
