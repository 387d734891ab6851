/**
 * A machine for deterministic simulation: time, threads, locks and whatever waits, all of it played
 * by one scheduler from one seed. Start with {@link io.sheepfs.store.sim.Sim}, and with {@link
 * io.sheepfs.store.sim.Rewriter} for how production classes get into it.
 */
@NullMarked
package io.sheepfs.store.sim;

import org.jspecify.annotations.NullMarked;
