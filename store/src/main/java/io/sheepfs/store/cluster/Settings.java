package io.sheepfs.store.cluster;

/**
 * What an administrator may set of a cluster at any time, for one format of it.
 *
 * @param copies of a VDI to be made; 0 for what the cluster was formatted with
 * @param holdsRecovery whether no node fetches by itself what it misses
 */
record Settings(int copies, boolean holdsRecovery) {

  static final Settings NONE = new Settings(0, false);

  /** How many copies a VDI gets if its creator does not say. */
  int copiesOr(Layout layout) {
    return copies == 0 ? layout.copies() : copies;
  }
}
