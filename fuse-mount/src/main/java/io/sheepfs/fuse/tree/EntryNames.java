package io.sheepfs.fuse.tree;

import io.sheepfs.fuse.tree.TreeException.Reason;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiName;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/** File names as names of VDIs and snapshots. */
final class EntryNames {

  private EntryNames() {}

  /**
   * A name to look for.
   *
   * @throws TreeException {@link Reason#NOT_FOUND} for one that no VDI can have
   */
  static VdiName existingVdi(String name) throws TreeException {
    return checked(name, VdiName::new, Reason.NOT_FOUND);
  }

  /**
   * A name for a new VDI.
   *
   * @throws TreeException {@link Reason#INVALID}
   */
  static VdiName newVdi(String name) throws TreeException {
    return checked(name, VdiName::new, Reason.INVALID);
  }

  /**
   * A tag for a new snapshot.
   *
   * @throws TreeException {@link Reason#INVALID}
   */
  static SnapshotTag newTag(String name) throws TreeException {
    return checked(name, SnapshotTag::new, Reason.INVALID);
  }

  private static <T> T checked(String name, Function<String, T> make, Reason otherwise)
      throws TreeException {
    if (name.getBytes(StandardCharsets.UTF_8).length > VdiName.MAX_BYTES) {
      throw new TreeException(Reason.NAME_TOO_LONG, "a name has at most 255 bytes");
    }
    try {
      return make.apply(name);
    } catch (IllegalArgumentException e) {
      throw new TreeException(otherwise, String.valueOf(e.getMessage()));
    }
  }
}
