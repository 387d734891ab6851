package io.sheepfs.sbd.nbd;

import org.jspecify.annotations.Nullable;

/** What a client can ask of an export, with the flags that each request may carry. */
enum Command {
  READ(0, Wire.DONT_FRAGMENT | Wire.FUA, false),
  WRITE(1, Wire.FUA, true),
  DISCONNECT(2, Wire.FUA, false),
  FLUSH(3, Wire.FUA, false),
  TRIM(4, Wire.FUA, true),
  CACHE(5, Wire.FUA, false),
  WRITE_ZEROES(6, Wire.FUA | Wire.NO_HOLE | Wire.FAST_ZERO, true),
  BLOCK_STATUS(7, Wire.FUA | Wire.REQ_ONE, false);

  private static final Command[] BY_CODE = values();

  private final int code;
  private final int flags;
  private final boolean changing;

  Command(int code, int flags, boolean changing) {
    this.code = code;
    this.flags = flags;
    this.changing = changing;
  }

  int code() {
    return code;
  }

  /** Whether all these flags may be there. */
  boolean allows(int requestFlags) {
    return (requestFlags & ~flags) == 0;
  }

  /** Whether it changes the export. */
  boolean isChanging() {
    return changing;
  }

  /** The command with a wire code; null for one that we do not know. */
  static @Nullable Command of(int code) {
    return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
  }
}
