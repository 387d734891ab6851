package io.sheepfs.fuse.transport;

import java.nio.file.Path;

/**
 * What to mount where, and how.
 *
 * @param mountpoint an existing directory
 * @param source what df shows as the device
 * @param readOnly whether the kernel refuses all writes
 * @param allowOther whether other users may use the mount, within its permissions
 * @param pageCache how the kernel caches
 */
public record MountRequest(
    Path mountpoint, String source, boolean readOnly, boolean allowOther, PageCache pageCache) {

  /** How the kernel caches file data. */
  public enum PageCache {
    /** Not at all: every read and write reaches us. MAP_SHARED does not work then. */
    OFF,
    /** Reads are cached; a write reaches us before it returns. */
    ON,
    /** Writes return when they are in the kernel's cache: faster, lost with the kernel or us. */
    WRITEBACK
  }
}
