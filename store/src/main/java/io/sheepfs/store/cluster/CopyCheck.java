package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares the copies of an object by their digests, and replaces those that are wrong. The leader
 * does it, while no change of the object is under way, and only among SYNCED places: there the
 * copies have to be the same.
 *
 * <p>Safe for any number of threads.
 */
public final class CopyCheck {

  private static final Logger log = LoggerFactory.getLogger(CopyCheck.class);

  private final Gateway gateway;
  private final Replica own;
  private final PeerCalls peers;
  private final ExecutorService senders;

  CopyCheck(Gateway gateway, Replica own, PeerCalls peers, ExecutorService senders) {
    this.gateway = gateway;
    this.own = own;
    this.peers = peers;
    this.senders = senders;
  }

  /**
   * What was found.
   *
   * @param repaired how many copies were replaced
   * @param isSound whether all copies are there now, and the same
   */
  public record Finding(int copies, int repaired, boolean isSound) {}

  /**
   * Checks an object, and repairs it where that is possible.
   *
   * @throws SheepException if it cannot be checked at the moment
   */
  Finding check(ObjectId oid) throws SheepException {
    return gateway.undisturbed(oid, view -> check(view, oid, false));
  }

  /** The same, when the copy here is known to be damaged, and so has no voice. */
  Finding checkAgainstOwn(ObjectId oid) throws SheepException {
    return gateway.undisturbed(oid, view -> check(view, oid, true));
  }

  private Finding check(View view, ObjectId oid, boolean isOwnDamaged) throws SheepException {
    List<View.Peer> places =
        view.places(oid, own.copiesOf(view, oid)).stream().filter(View.Peer::isSynced).toList();
    Map<View.Peer, String> found = digests(view, oid, places);
    if (isOwnDamaged) {
      found.replaceAll((peer, digest) -> peer.isSelf() ? CopyVote.DAMAGED : digest);
    }
    if (gateway.isHalfDone(view, oid)) {
      return settled(view, oid, places, found);
    }
    if (CopyVote.isGone(found)) {
      return new Finding(0, 0, true);
    }
    CopyVote<View.Peer> vote = CopyVote.of(found);
    View.Peer source = vote.source();
    if (vote.wrong().isEmpty()) {
      return new Finding(places.size(), 0, true);
    }
    if (source == null) {
      log.error("object {}: no majority among its copies: {}", oid, byPort(found));
      return new Finding(places.size(), 0, false);
    }
    log.error("object {} is repaired from port {}: {}", oid, source.node().port(), byPort(found));
    for (View.Peer wrong : vote.wrong()) {
      repair(view, oid, wrong, source);
    }
    Map<View.Peer, String> repaired = digests(view, oid, vote.wrong());
    int good = 0;
    for (String digest : repaired.values()) {
      good += digest.equals(found.get(source)) ? 1 : 0;
    }
    return new Finding(places.size(), good, good == repaired.size());
  }

  /**
   * Of an object that a change has left half done: what most have, else what the first has, is made
   * what all have.
   */
  private Finding settled(
      View view, ObjectId oid, List<View.Peer> places, Map<View.Peer, String> found)
      throws SheepException {
    View.Peer source = CopyVote.of(found).source();
    for (View.Peer place : places) {
      String digest = found.getOrDefault(place, CopyVote.MISSING);
      boolean isReadable = !digest.equals(CopyVote.MISSING) && !digest.equals(CopyVote.DAMAGED);
      source = source == null && isReadable ? place : source;
    }
    if (source == null && found.containsValue(CopyVote.DAMAGED)) {
      throw new SheepException(ResultCode.EIO, oid + " is half changed, and no copy can be read");
    }
    gateway.settle(view, oid, source);
    log.info("object {} was half changed, and is the same everywhere now", oid);
    String right = source == null ? CopyVote.MISSING : found.get(source);
    int changed = (int) found.values().stream().filter(digest -> !digest.equals(right)).count();
    return new Finding(source == null ? 0 : places.size(), changed, true);
  }

  private static Map<Integer, String> byPort(Map<View.Peer, String> found) {
    Map<Integer, String> ports = new HashMap<>();
    found.forEach((peer, digest) -> ports.put(peer.node().port(), digest));
    return ports;
  }

  private void repair(View view, ObjectId oid, View.Peer wrong, View.Peer source)
      throws SheepException {
    try {
      if (wrong.isSelf()) {
        own.replace(view.number(), oid, source.node());
      } else {
        peers.replace(wrong.node(), view.number(), oid, source.node());
      }
    } catch (SheepException e) {
      throw e;
    } catch (IOException e) {
      throw new SheepException(ResultCode.NETWORK_ERROR, "repair of " + oid, e);
    }
  }

  private Map<View.Peer, String> digests(View view, ObjectId oid, List<View.Peer> places)
      throws SheepException {
    List<Future<String>> asked = new ArrayList<>();
    for (View.Peer place : places) {
      asked.add(senders.submit(() -> digest(view, oid, place)));
    }
    Map<View.Peer, String> found = new LinkedHashMap<>();
    for (int i = 0; i < places.size(); i++) {
      try {
        found.put(places.get(i), asked.get(i).get());
      } catch (ExecutionException e) {
        throw e.getCause() instanceof SheepException failure
            ? failure
            : new SheepException(ResultCode.NETWORK_ERROR, "digest of " + oid, e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new SheepException(ResultCode.SHUTDOWN, "digest of " + oid, e);
      }
    }
    return found;
  }

  private String digest(View view, ObjectId oid, View.Peer place) throws IOException {
    try {
      byte[] digest =
          place.isSelf()
              ? own.checkedDigest(view.number(), oid)
              : peers.checkedDigest(place.node(), view.number(), oid);
      return HexFormat.of().formatHex(digest);
    } catch (SheepException e) {
      return switch (e.result()) {
        case NO_OBJ -> CopyVote.MISSING;
        case EIO -> CopyVote.DAMAGED;
        default -> throw e;
      };
    }
  }
}
