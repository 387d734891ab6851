package io.sheepfs.store.server;

import io.sheepfs.telemetry.TelemetryConfig;
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

  @Option(
      names = "--slow-request",
      paramLabel = "MILLIS",
      description =
          "Log each request that takes so long, with what it waited for; 0, or nothing, for none.")
  private @Nullable String slowRequest;

  @Option(
      names = "--log-format",
      paramLabel = "text|json",
      description = "How lines of the log look; text without this option.")
  private @Nullable String logFormat;

  /** What one of the options says; null without it. */
  public @Nullable String metrics() {
    return metrics;
  }

  /** What one of the options says; null without it. */
  public @Nullable String slowRequest() {
    return slowRequest;
  }

  /** What one of the options says; null without it. */
  public @Nullable String logFormat() {
    return logFormat;
  }

  /**
   * All of them.
   *
   * @throws IllegalArgumentException with a message for the user
   */
  public TelemetryConfig config() {
    return TelemetryConfig.parse(metrics, slowRequest, logFormat);
  }
}
