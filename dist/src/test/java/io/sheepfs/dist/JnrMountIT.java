package io.sheepfs.dist;

/** The mount on libfuse 2 through jnr-fuse. */
class JnrMountIT extends MountContract {

  JnrMountIT() {
    super("jnr");
  }

  @Override
  int killRounds() {
    return 5;
  }
}
