package io.sheepfs.protocol;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The state of a cluster.
 *
 * @param state {@link ResultCode#SUCCESS} when it runs; else why it does not: {@link
 *     ResultCode#WAIT_FOR_FORMAT}, {@link ResultCode#WAIT_FOR_JOIN}, {@link ResultCode#HALT},
 *     {@link ResultCode#SHUTDOWN}
 * @param created when it was formatted; null before that
 * @param copies the default number of replicas
 * @param blockSizeShift the default object size
 * @param storeDriver the name of the store driver, such as {@code plain}
 * @param flags the {@code SD_CLUSTER_FLAG_*} bits
 * @param recoveryDisabled whether an admin switched automatic recovery off
 * @param epochs the epochs, newest first
 */
public record ClusterInfo(
    ResultCode state,
    @Nullable Instant created,
    int copies,
    int blockSizeShift,
    String storeDriver,
    int flags,
    boolean recoveryDisabled,
    List<Epoch> epochs) {

  public ClusterInfo {
    epochs = List.copyOf(epochs);
  }

  /**
   * One membership of the cluster.
   *
   * @param number 1 for the first
   * @param started when it began
   * @param members its nodes, by id
   */
  public record Epoch(int number, Instant started, List<NodeInfo> members) {
    public Epoch {
      members = List.copyOf(members);
    }
  }
}
