package io.sheepfs.store.server;

import io.sheepfs.telemetry.MetricsAddress;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of every daemon on how it tells how it does. */
public final class TelemetryArguments {

  @Option(
      names = "--metrics",
      paramLabel = "[HOST:]PORT",
      description =
          "Tell counters (/metrics, for Prometheus) and whether all is well (/health) over HTTP, at"
              + " an address of this machine alone.")
  private @Nullable String metrics;

  /** What the option says; null without it. */
  public @Nullable String metrics() {
    return metrics;
  }

  /**
   * Where metrics are told; null for nowhere.
   *
   * @throws IllegalArgumentException with a message for the user
   */
  public @Nullable InetSocketAddress metricsAddress() {
    return MetricsAddress.parse(metrics);
  }
}
