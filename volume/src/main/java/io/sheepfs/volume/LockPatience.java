package io.sheepfs.volume;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;

/**
 * Takes the lock of a VDI, and waits a moment for one who is just letting it go.
 *
 * <p>close(2) returns when the data is safe, but the kernel tells of the close itself a little
 * later, and only then the lock goes. Without the wait, a program that closes a VDI at one mount
 * and opens it at another would be told at random that it is busy.
 */
final class LockPatience {

  private static final int FIRST_PAUSE_MILLIS = 5;
  private static final int LAST_PAUSE_MILLIS = 320;

  private LockPatience() {}

  /**
   * Locks {@code name}, trying again for about half a second.
   *
   * @throws SheepException {@link ResultCode#VDI_LOCKED} if it stays locked, or any other failure
   */
  static VdiLock lock(VdiDirectory vdis, VdiName name) throws SheepException {
    for (int pause = FIRST_PAUSE_MILLIS; ; pause *= 2) {
      try {
        return vdis.lock(name);
      } catch (SheepException e) {
        if (e.result() != ResultCode.VDI_LOCKED || pause > LAST_PAUSE_MILLIS) {
          throw e;
        }
        try {
          Thread.sleep(pause);
        } catch (InterruptedException interrupt) {
          Thread.currentThread().interrupt();
          throw e;
        }
      }
    }
  }
}
