package io.sheepfs.telemetry;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** An attempt of a node to get what it misses, in a flight recording. */
@Name("sheepfs.Recovery")
@Label("Recovery")
@Category("sheepfs")
@StackTrace(false)
public final class RecoveryEvent extends Event {

  @Label("Epoch")
  private int epoch;

  @Label("Objects looked at")
  private long objects;

  /** One that begins now. */
  public static RecoveryEvent started() {
    RecoveryEvent event = new RecoveryEvent();
    event.begin();
    return event;
  }

  /** It has ended, well or not. */
  public void ended(int number, long looked) {
    if (shouldCommit()) {
      epoch = number;
      objects = looked;
      commit();
    }
  }

  @Override
  public String toString() {
    return epoch + ": " + objects;
  }
}
