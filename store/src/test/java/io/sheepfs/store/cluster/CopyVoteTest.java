package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class CopyVoteTest {

  private static Map<String, String> found(String... digests) {
    Map<String, String> found = new LinkedHashMap<>();
    for (int i = 0; i < digests.length; i++) {
      found.put("n" + i, digests[i]);
    }
    return found;
  }

  @Test
  void vote_allTheSame_nobodyIsWrong() {
    assertEquals(new CopyVote<>("n0", List.of()), CopyVote.of(found("x", "x", "x")));
  }

  @Test
  void vote_oneDiffers_theOthersAreRight() {
    assertEquals(new CopyVote<>("n1", List.of("n0")), CopyVote.of(found("y", "x", "x")));
  }

  @Test
  void vote_twoThatDiffer_nobodyKnows() {
    assertNull(CopyVote.of(found("y", "x")).source());
    assertNull(CopyVote.of(found("y", "x", CopyVote.MISSING)).source());
    assertNull(CopyVote.of(found("y", "x", "x", "y")).source());
  }

  @Test
  void vote_damagedAndMissing_haveNoVoice() {
    assertEquals(
        new CopyVote<>("n1", List.of("n0", "n2")),
        CopyVote.of(found(CopyVote.DAMAGED, "x", CopyVote.MISSING)));
    assertNull(CopyVote.of(found(CopyVote.DAMAGED, CopyVote.MISSING)).source());
  }

  @Test
  void isGone_onlyWithoutAnyCopy() {
    assertTrue(CopyVote.isGone(found(CopyVote.MISSING, CopyVote.MISSING)));
    assertFalse(CopyVote.isGone(found(CopyVote.MISSING, CopyVote.DAMAGED)));
  }
}
