/**
 * The disk object cache: write-back, with a valid and a dirty bit for each 4 KiB of each object.
 * Start with {@link io.sheepfs.cache.ObjectCache}, whose head states what always holds.
 */
@NullMarked
package io.sheepfs.cache;

import org.jspecify.annotations.NullMarked;
