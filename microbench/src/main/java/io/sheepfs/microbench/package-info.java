/**
 * Benchmarks of single parts, run by JMH: {@code make microbench ARGS=...}. The normal build
 * compiles them and runs none. Start from {@link io.sheepfs.microbench.LoopbackBenchmark}.
 */
@NullMarked
package io.sheepfs.microbench;

import org.jspecify.annotations.NullMarked;
