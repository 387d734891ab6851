package io.sheepfs.dist;

/** The mount on the kernel's own protocol. */
class DirectMountIT extends MountContract {

  DirectMountIT() {
    super("direct");
  }

  @Override
  int killRounds() {
    return 20;
  }
}
