/** The commands about mounts that run already: umount, status, flush; and doctor. */
@NullMarked
package io.sheepfs.fuse.admin;

import org.jspecify.annotations.NullMarked;
