/** The mount: VDIs of a cluster as files. */
@NullMarked
package io.sheepfs.fuse;

import org.jspecify.annotations.NullMarked;
