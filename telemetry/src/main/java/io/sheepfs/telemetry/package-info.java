/**
 * How a daemon tells how it does: latency histograms that every layer fills ({@link Stage}), what
 * slow requests waited for, and metrics and health over HTTP ({@link MetricsServer}). Knows nothing
 * of VDIs.
 */
@NullMarked
package io.sheepfs.telemetry;

import org.jspecify.annotations.NullMarked;
