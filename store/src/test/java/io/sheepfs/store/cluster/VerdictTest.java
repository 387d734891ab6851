package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.net.ConnectException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Three SYNCED places, and one to which the object moves. */
final class VerdictTest {

  private static final List<String> SYNCED = List.of("a", "b", "c");
  private static final List<String> PLACES = List.of("a", "b", "c", "moving");

  private final Map<String, IOException> failures = new LinkedHashMap<>();

  private SheepException fails(String place, ResultCode result) {
    SheepException failure = new SheepException(result, "on " + place);
    failures.put(place, failure);
    return failure;
  }

  private Verdict<String> verdict() {
    return Verdict.of("write", PLACES, SYNCED, failures);
  }

  private void assertAgain(IOException cause, String... unfit) {
    Verdict.Again<?> found = assertInstanceOf(Verdict.Again.class, verdict());
    assertSame(cause, found.cause());
    assertEquals(List.of(unfit), found.unfit());
  }

  private void assertRefused(ResultCode result, IOException cause, String... unfit) {
    Verdict.Refused<?> found = assertInstanceOf(Verdict.Refused.class, verdict());
    assertEquals(result, found.refusal().result());
    assertSame(cause, found.refusal().getCause());
    assertEquals(List.of(unfit), found.unfit());
  }

  // --- what passes ---

  @ParameterizedTest
  @EnumSource(
      names = {
        "OLD_NODE_VER",
        "NEW_NODE_VER",
        "NETWORK_ERROR",
        "STARTUP",
        "AGAIN",
        "SHUTDOWN",
        "HALT",
        "WAIT_FOR_FORMAT",
        "WAIT_FOR_JOIN",
        "KILLED"
      })
  void whatPasses_isTriedAgain_andNobodyGoes(ResultCode result) {
    assertAgain(fails("b", result));
  }

  @Test
  void silence_passes() {
    IOException silence = new ConnectException("nobody is there");
    failures.put("moving", silence);
    assertAgain(silence);
  }

  @Test
  void allFail_butEachFailurePasses_isTriedAgain_andNobodyGoes() {
    fails("a", ResultCode.NETWORK_ERROR);
    fails("b", ResultCode.OLD_NODE_VER);
    fails("c", ResultCode.HALT);
    assertAgain(fails("moving", ResultCode.NEW_NODE_VER));
  }

  @ParameterizedTest
  @EnumSource(names = {"EIO", "NO_OBJ", "NO_SPACE", "SYSTEM_ERROR", "INVALID_PARMS", "READONLY"})
  void whatDoesNotPass_isOfTheRequest(ResultCode result) {
    SheepException failure = new SheepException(result, "on a");
    assertFalse(Verdict.isPassing(failure));
  }

  // --- refusals ---

  @Test
  void oneRefuses_andOthersDidIt_itGoes_andItIsTriedAgain() {
    assertAgain(fails("b", ResultCode.EIO), "b");
  }

  @Test
  void oneThatIsNotSynced_refuses_itGoes() {
    assertAgain(fails("moving", ResultCode.NO_OBJ), "moving");
  }

  @Test
  void someRefuse_andOthersAreSilent_onlyThoseWhoRefuseGo() {
    fails("a", ResultCode.NETWORK_ERROR);
    fails("b", ResultCode.EIO);
    assertAgain(fails("c", ResultCode.SYSTEM_ERROR), "b", "c");
  }

  @Test
  void allRefuse_isTheAnswer_andNobodyGoes() {
    fails("a", ResultCode.INVALID_PARMS);
    fails("b", ResultCode.INVALID_PARMS);
    fails("c", ResultCode.INVALID_PARMS);
    SheepException last = fails("moving", ResultCode.INVALID_PARMS);
    assertRefused(ResultCode.INVALID_PARMS, last);
  }

  @Test
  void allSyncedRefuse_andOneThatIsNot_didIt_itGoes() {
    fails("a", ResultCode.EIO);
    fails("b", ResultCode.EIO);
    SheepException last = fails("c", ResultCode.EIO);
    assertRefused(ResultCode.EIO, last, "moving");
  }

  @Test
  void allSyncedRefuse_andOneThatIsNot_isSilent_itGoes() {
    fails("moving", ResultCode.NETWORK_ERROR);
    fails("a", ResultCode.EIO);
    fails("b", ResultCode.EIO);
    SheepException last = fails("c", ResultCode.EIO);
    assertRefused(ResultCode.EIO, last, "moving");
  }

  /** The object is not there, which is no fault of a disk. */
  @Test
  void noSyncedPlaceHasTheObject_isTheAnswer_andNobodyGoes() {
    fails("a", ResultCode.NO_OBJ);
    fails("b", ResultCode.NO_OBJ);
    SheepException last = fails("c", ResultCode.NO_OBJ);
    assertRefused(ResultCode.NO_OBJ, last);
  }

  @Test
  void oneDoesNotHaveTheObject_thatOthersHave_itGoes() {
    assertAgain(fails("a", ResultCode.NO_OBJ), "a");
  }

  // --- want of space ---

  @Test
  void someHaveNoSpace_theFirstThatIsSynced_keepsWhatTheOthersGoBackTo() {
    fails("moving", ResultCode.NO_SPACE);
    SheepException first = fails("b", ResultCode.NO_SPACE);
    fails("c", ResultCode.NO_SPACE);
    assertEquals(new Verdict.Full<>("b", first, List.of("moving", "b", "c")), verdict());
  }

  @Test
  void allHaveNoSpace_theirsMayBeHalfDone_andIsGivenBack() {
    SheepException first = fails("a", ResultCode.NO_SPACE);
    fails("b", ResultCode.NO_SPACE);
    fails("c", ResultCode.NO_SPACE);
    assertEquals(new Verdict.Full<>("a", first, List.of("a", "b", "c")), verdict());
  }

  @Test
  void oneHasNoSpace_andAnother_isSilent_itIsTriedAgain_asThatOneMayHaveTakenIt() {
    fails("a", ResultCode.NO_SPACE);
    SheepException silence = fails("b", ResultCode.NETWORK_ERROR);
    fails("c", ResultCode.NO_SPACE);
    assertAgain(silence);
  }

  @Test
  void onlyOneThatIsNotSynced_hasNoSpace_itGoes() {
    assertAgain(fails("moving", ResultCode.NO_SPACE), "moving");
  }

  @Test
  void oneHasNoSpace_andAnotherRefuses_bothGo() {
    fails("a", ResultCode.NO_SPACE);
    assertAgain(fails("b", ResultCode.EIO), "a", "b");
  }

  @Test
  void someHaveNoSpace_andTheRestRefuse_isTheAnswer() {
    fails("a", ResultCode.NO_SPACE);
    fails("b", ResultCode.EIO);
    SheepException last = fails("c", ResultCode.EIO);
    assertRefused(ResultCode.EIO, last, "moving");
  }

  @Test
  void allHaveDoneIt_isNoCaseForAVerdict() {
    assertThrows(IllegalArgumentException.class, this::verdict);
  }
}
