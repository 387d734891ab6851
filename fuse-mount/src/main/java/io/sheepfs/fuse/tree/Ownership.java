package io.sheepfs.fuse.tree;

/**
 * Who owns everything in a mount, and what they may do.
 *
 * @param user the user id
 * @param group the group id
 * @param umask bits that files (0600, and what the umask leaves of 0666) and directories do not get
 */
public record Ownership(int user, int group, int umask) {

  /** The mode of files that can be written. */
  public int fileMode() {
    return 0666 & ~umask;
  }

  /** The mode of files that can only be read. */
  public int readOnlyMode() {
    return 0444 & ~umask;
  }

  /** The mode of directories. */
  public int directoryMode() {
    return 0777 & ~umask;
  }
}
