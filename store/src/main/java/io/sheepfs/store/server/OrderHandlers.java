package io.sheepfs.store.server;

import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.ClusterOrders;

/** What administrators order of a cluster, each named after its opcode. */
final class OrderHandlers {

  private final ClusterOrders orders;

  OrderHandlers(ClusterOrders orders) {
    this.orders = orders;
  }

  /** Begins to move objects to the nodes that are there now. */
  Answer reweight(Request request) throws SheepException {
    orders.reweight();
    return Answer.SUCCESS;
  }

  /** How many copies VDIs get from now on; those that are there stay as they are. */
  Answer alterClusterCopy(Request request) throws SheepException {
    RequestFields.ClusterWide fields = request.header().cluster();
    checkReplication(fields.copyPolicy());
    orders.setDefaultCopies(fields.copies());
    return Answer.SUCCESS;
  }

  /** Begins to make copies of the objects of a VDI, or to drop some. */
  Answer alterVdiCopy(Request request) throws SheepException {
    RequestFields.VdiChange change = request.header().vdiChange();
    checkReplication(change.copyPolicy());
    orders.setCopies(new VdiId(change.newVid()), change.copies());
    return Answer.SUCCESS;
  }

  private static void checkReplication(int copyPolicy) throws SheepException {
    if (copyPolicy != 0) {
      throw new SheepException(ResultCode.INVALID_PARMS, "erasure codes");
    }
  }

  Answer enableRecover(Request request) throws SheepException {
    orders.setRecoveryHeld(false);
    return Answer.SUCCESS;
  }

  Answer disableRecover(Request request) throws SheepException {
    orders.setRecoveryHeld(true);
    return Answer.SUCCESS;
  }

  /** Goes on without the nodes that a cluster waits for. */
  Answer forceRecover(Request request) throws SheepException {
    orders.forceRecovery();
    return Answer.SUCCESS;
  }
}
