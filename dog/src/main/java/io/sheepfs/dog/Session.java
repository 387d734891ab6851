package io.sheepfs.dog;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.EpochRecord;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * One run of a command: its world, and the connections it has opened, each when it is first asked
 * for. Confined to the thread of the command.
 */
final class Session implements AutoCloseable {

  private final Environment environment;
  private final InetSocketAddress address;
  private final ClientOptions options;
  private final Deque<Sheep> nodes = new ArrayDeque<>();
  private @Nullable Cluster cluster;
  private @Nullable Sheep sheep;

  Session(Environment environment, InetSocketAddress address, ClientOptions options) {
    this.environment = environment;
    this.address = address;
    this.options = options;
  }

  Environment environment() {
    return environment;
  }

  PrintStream out() {
    return environment.out();
  }

  PrintStream err() {
    return environment.err();
  }

  Cluster cluster() throws SheepException {
    Cluster open = cluster;
    if (open == null) {
      open = environment.network().cluster(address, options);
      cluster = open;
    }
    return open;
  }

  /** The node at the address that was given. */
  Sheep sheep() throws SheepException {
    Sheep open = sheep;
    if (open == null) {
      open = connect(address);
      sheep = open;
    }
    return open;
  }

  /** A node of the cluster. */
  Sheep sheep(NodeInfo node) throws SheepException {
    InetSocketAddress where = new InetSocketAddress(node.address(), node.port());
    return where.equals(address) ? sheep() : connect(where);
  }

  /** The epoch of the cluster, which every answer tells. */
  int epoch() throws SheepException {
    RequestFields oneEpoch = new RequestFields.ClusterWide(0, 0, 0, 0, 0, 0, 0, 0);
    return sheep().ask(Opcode.STAT_CLUSTER, oneEpoch, EpochRecord.HEADER_BYTES).header().epoch();
  }

  private Sheep connect(InetSocketAddress where) throws SheepException {
    Sheep open = environment.network().sheep(where, options);
    nodes.push(open);
    return open;
  }

  /**
   * The VDI, or its snapshot, that the arguments name.
   *
   * @throws DogException if there is none, in the original's words
   */
  VdiInfo find(VdiReference reference) throws SheepException, DogException {
    try {
      return lookup(reference);
    } catch (SheepException e) {
      throw cannotOpen(reference, e);
    }
  }

  /** The VDI, or its snapshot; what a failure means is the caller's to say. */
  VdiInfo lookup(VdiReference reference) throws SheepException {
    SnapshotSelector snapshot = reference.snapshot();
    return snapshot == null
        ? cluster().vdis().lookup(reference.name())
        : cluster().vdis().lookup(reference.name(), snapshot);
  }

  /** The working VDI of a name. */
  VdiInfo find(VdiName name) throws SheepException, DogException {
    return find(new VdiReference(name, null));
  }

  /** Opens the VDI, or its snapshot, to read it. */
  Volume open(VdiReference reference) throws SheepException, DogException {
    VdiInfo vdi = find(reference);
    return vdi.isSnapshot()
        ? Volume.open(cluster(), vdi)
        : Volume.open(cluster(), vdi.name(), Access.READ_ONLY);
  }

  /** The failure to open a VDI, if {@code e} says that there is none; else {@code e}. */
  static DogException cannotOpen(VdiReference reference, SheepException e) throws SheepException {
    SnapshotSelector snapshot = reference.snapshot();
    return switch (e.result()) {
      case NO_VDI, NO_TAG ->
          new DogException(
              ExitCode.FAILURE,
              "Failed to open VDI "
                  + reference.name()
                  + " (snapshot id: "
                  + (snapshot instanceof SnapshotSelector.ById byId ? byId.snapshotId() : 0)
                  + " snapshot tag: "
                  + (snapshot instanceof SnapshotSelector.ByTag byTag ? byTag.tag() : "")
                  + "): "
                  + e.result().text(),
              e);
      default -> throw e;
    };
  }

  @Override
  public void close() throws IOException {
    IOException failure = null;
    while (!nodes.isEmpty()) {
      try {
        nodes.pop().close();
      } catch (IOException e) {
        failure = e;
      }
    }
    if (cluster != null) {
      cluster.close();
    }
    if (failure != null) {
      throw failure;
    }
  }
}
