package io.sheepfs.protocol;

/** Names one snapshot of a VDI: by its tag, or by its number. */
public sealed interface SnapshotSelector {

  /** The snapshot that carries a tag. */
  record ByTag(SnapshotTag tag) implements SnapshotSelector {
    @Override
    public String toString() {
      return tag.value();
    }
  }

  /**
   * The snapshot with a number.
   *
   * @param snapshotId 1 for the first generation of a VDI
   */
  record ById(int snapshotId) implements SnapshotSelector {
    public ById {
      if (snapshotId < 1) {
        throw new IllegalArgumentException("not a snapshot id: " + snapshotId);
      }
    }

    @Override
    public String toString() {
      return Integer.toString(snapshotId);
    }
  }

  /** The snapshot that carries {@code tag}. */
  static SnapshotSelector tag(String tag) {
    return new ByTag(new SnapshotTag(tag));
  }

  /** The snapshot with number {@code snapshotId}. */
  static SnapshotSelector id(int snapshotId) {
    return new ById(snapshotId);
  }
}
