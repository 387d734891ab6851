package io.sheepfs.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class LockPatienceTest {

  private static final VdiName NAME = new VdiName("disk");

  private final VdiDirectory vdis = new MemoryCluster().vdis();
  private final AtomicInteger attempts = new AtomicInteger();

  /** The directory, doing something before each attempt to lock. */
  private VdiDirectory watched(Executable beforeLock) {
    return (VdiDirectory)
        Proxy.newProxyInstance(
            VdiDirectory.class.getClassLoader(),
            new Class<?>[] {VdiDirectory.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("lock")) {
                attempts.incrementAndGet();
                beforeLock.execute();
              }
              try {
                return method.invoke(vdis, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void lock_freedMeanwhile_taken() throws Exception {
    vdis.create(NAME, VdiSpec.ofSize(1));
    VdiLock first = vdis.lock(NAME);
    Executable freeAtThird =
        () -> {
          if (attempts.get() == 3) {
            first.close();
          }
        };
    try (VdiLock second = LockPatience.lock(watched(freeAtThird), NAME)) {
      assertTrue(second.isHeld());
      assertEquals(3, attempts.get());
    }
  }

  @Test
  void lock_neverFreed_refusedAfterSomeAttempts() throws Exception {
    vdis.create(NAME, VdiSpec.ofSize(1));
    try (VdiLock first = vdis.lock(NAME)) {
      SheepException refused =
          assertThrows(SheepException.class, () -> LockPatience.lock(watched(() -> {}), NAME));
      assertSame(ResultCode.VDI_LOCKED, refused.result());
      assertTrue(first.isHeld());
      assertEquals(8, attempts.get());
    }
  }

  @Test
  void lock_otherFailure_notTriedAgain() {
    SheepException failure =
        assertThrows(SheepException.class, () -> LockPatience.lock(watched(() -> {}), NAME));
    assertSame(ResultCode.NO_VDI, failure.result());
    assertEquals(1, attempts.get());
  }
}
