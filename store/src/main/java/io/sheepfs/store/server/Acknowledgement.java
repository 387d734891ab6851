package io.sheepfs.store.server;

import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.SheepNode;

/**
 * What a write that succeeded is answered with: if it may stay unstable, the incarnation of the
 * store for that VDI, by which the client finds out at its next flush whether it was lost. Safe for
 * any number of threads.
 */
final class Acknowledgement {

  private final SheepNode sheep;

  /** The last answer with a number, made anew when that changes. */
  private volatile Numbered last = new Numbered(0);

  private static final class Numbered {
    final long incarnation;
    final Answer answer;

    Numbered(long incarnation) {
      this.incarnation = incarnation;
      this.answer = Answer.fields(new ResponseFields.Obj(0, incarnation));
    }
  }

  Acknowledgement(SheepNode sheep) {
    this.sheep = sheep;
  }

  /**
   * To be called before a change: if something is lost while it is carried out, the change may be
   * among that, and its answer has to tell of the time before.
   *
   * @return the incarnation if the change may stay unstable, else 0
   */
  long before(Request request) throws SheepException {
    return request.header().has(RequestFlags.CACHE) ? incarnation(request) : 0;
  }

  /**
   * The answer to a change that was carried out.
   *
   * @param before what {@link #before} said
   */
  Answer ofChange(Request request, long before) {
    return request.header().has(RequestFlags.CACHE) ? with(before) : Answer.SUCCESS;
  }

  /** The answer to a flush that was carried out. */
  Answer ofFlush(Request request) throws SheepException {
    return with(incarnation(request));
  }

  private long incarnation(Request request) throws SheepException {
    return sheep.incarnation(request.header().obj().objectId().vid());
  }

  private Answer with(long now) {
    Numbered known = last;
    if (known.incarnation != now) {
      known = new Numbered(now);
      last = known;
    }
    return known.answer;
  }
}
