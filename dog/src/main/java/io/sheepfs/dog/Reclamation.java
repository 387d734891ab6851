package io.sheepfs.dog;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * The options that slow the original's deletions down. They must make sense, and do nothing: here
 * the cluster frees objects, and not the client.
 */
final class Reclamation {

  @Option(
      names = {"-B", "--nr-batched-reclamation"},
      paramLabel = "COUNT",
      hidden = true,
      description = "taken for the original's sake: the cluster frees objects as fast as it can")
  private @Nullable String batch;

  @Option(
      names = {"-I", "--reclamation-interval"},
      paramLabel = "SECONDS",
      hidden = true,
      description = "likewise")
  private @Nullable String interval;

  void check() throws DogException {
    if (batch != null) {
      DogCommand.number(batch, "number of batched reclamation", 1, Integer.MAX_VALUE);
    }
    if (interval != null) {
      DogCommand.number(interval, "interval of batched reclamation", 1, Integer.MAX_VALUE);
    }
  }
}
