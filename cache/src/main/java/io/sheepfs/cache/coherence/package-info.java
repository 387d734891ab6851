/**
 * A cache in front of a cluster that others use, too: when what is cached may be believed. Start
 * with {@link io.sheepfs.cache.coherence.CachedCluster}.
 */
@NullMarked
package io.sheepfs.cache.coherence;

import org.jspecify.annotations.NullMarked;
