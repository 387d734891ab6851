/** The command line for administrators. */
@NullMarked
package io.sheepfs.dog;

import org.jspecify.annotations.NullMarked;
