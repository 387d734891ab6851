/** End-to-end tests: the launchers, real mounts, and the programs that people use on them. */
@NullMarked
package io.sheepfs.dist;

import org.jspecify.annotations.NullMarked;
