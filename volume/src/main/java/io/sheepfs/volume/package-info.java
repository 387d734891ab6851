/** A VDI as a range of bytes: holes, copy on write, crash-safe allocation, flush. */
@NullMarked
package io.sheepfs.volume;

import org.jspecify.annotations.NullMarked;
