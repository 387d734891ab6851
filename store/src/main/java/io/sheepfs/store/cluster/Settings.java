package io.sheepfs.store.cluster;

/**
 * What an administrator may set of a cluster at any time, for one format of it. As text: {@code
 * settings COPIES RECOVERY}.
 *
 * @param copies of a VDI to be made; 0 for what the cluster was formatted with
 * @param holdsRecovery whether no node fetches by itself what it misses
 */
record Settings(int copies, boolean holdsRecovery) {

  static final Settings NONE = new Settings(0, false);

  private static final String HELD = "held";
  private static final String FREE = "free";

  Settings withCopies(int wanted) {
    return new Settings(wanted, holdsRecovery);
  }

  Settings withRecoveryHeld(boolean wanted) {
    return new Settings(copies, wanted);
  }

  /** How many copies a VDI gets if its creator does not say. */
  int copiesOr(Layout layout) {
    return copies == 0 ? layout.copies() : copies;
  }

  String encode() {
    return "settings " + copies + " " + (holdsRecovery ? HELD : FREE) + "\n";
  }

  static Settings decode(String text) {
    String[] words = text.lines().findFirst().orElse("").split(" ", -1);
    return new Settings(Integer.parseInt(words[1]), words[2].equals(HELD));
  }
}
