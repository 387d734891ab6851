/** A disk of which single system calls fail: start at {@link FaultyFileSystem}. */
@NullMarked
package io.sheepfs.protocol.faulty;

import org.jspecify.annotations.NullMarked;
