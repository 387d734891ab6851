package io.sheepfs.telemetry;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A flush of one VDI, in a flight recording. */
@Name("sheepfs.Flush")
@Label("Flush")
@Category("sheepfs")
@StackTrace(false)
public final class FlushEvent extends Event {

  @Label("By")
  private String layer = "";

  @Label("VDI")
  private String vdi = "";

  /** One that begins now. */
  public static FlushEvent started() {
    FlushEvent event = new FlushEvent();
    event.begin();
    return event;
  }

  /**
   * It has ended, well or not.
   *
   * @param by the layer that flushed
   * @param vid the id of the VDI
   */
  public void ended(String by, Object vid) {
    if (shouldCommit()) {
      layer = by;
      vdi = vid.toString();
      commit();
    }
  }

  @Override
  public String toString() {
    return layer + " " + vdi;
  }
}
