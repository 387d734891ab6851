/**
 * How running mounts are found and spoken to: {@link io.sheepfs.fuse.control.ControlServer} is the
 * side of the mount, {@link io.sheepfs.fuse.control.ControlClient} the side of who asks.
 */
@NullMarked
package io.sheepfs.fuse.control;

import org.jspecify.annotations.NullMarked;
