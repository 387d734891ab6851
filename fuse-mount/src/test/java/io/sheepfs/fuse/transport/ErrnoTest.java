package io.sheepfs.fuse.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.fuse.tree.TreeException;
import io.sheepfs.fuse.tree.TreeException.Reason;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class ErrnoTest {

  @Test
  void everyFailure_hasAnErrorNumberOfLinux() {
    for (ResultCode result : ResultCode.values()) {
      int errno = Errno.of(result);
      assertTrue(result == ResultCode.SUCCESS ? errno == 0 : errno > 0 && errno < 134, result + "");
    }
    for (Reason reason : Reason.values()) {
      int errno = Errno.of(reason);
      assertTrue(errno > 0 && errno < 134, reason + "");
    }
  }

  @Test
  void whatProgramsDependOn_isAsTheyExpect() {
    assertEquals(2, Errno.of(new SheepException(ResultCode.NO_VDI, "x")));
    assertEquals(17, Errno.of(new SheepException(ResultCode.VDI_EXIST, "x")));
    assertEquals(16, Errno.of(new SheepException(ResultCode.VDI_LOCKED, "x")));
    assertEquals(28, Errno.of(new SheepException(ResultCode.NO_SPACE, "x")));
    assertEquals(30, Errno.of(new SheepException(ResultCode.READONLY, "x")));
    assertEquals(18, Errno.of(new TreeException(Reason.CROSS_DEVICE, "x")));
    assertEquals(61, Errno.of(new TreeException(Reason.NO_ATTRIBUTE, "x")));
  }

  @Test
  void whatNobodyExpected_isAnIoError() {
    assertEquals(5, Errno.of(new IllegalStateException("x")));
    assertEquals(5, Errno.of(new IOException("x")));
    assertEquals(5, Errno.of(new SheepException(ResultCode.NETWORK_ERROR, "x")));
  }
}
