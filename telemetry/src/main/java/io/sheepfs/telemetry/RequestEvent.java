package io.sheepfs.telemetry;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A request that came from outside, in a flight recording. Costs nothing while none is made. */
@Name("sheepfs.Request")
@Label("Request")
@Category("sheepfs")
@Description("A request of the kernel, an NBD client, a client of a sheep or another sheep")
@StackTrace(false)
public final class RequestEvent extends Event {

  @Label("Layer")
  private String layer = "";

  @Label("Operation")
  private String operation = "";

  /** One that begins now. */
  public static RequestEvent started() {
    RequestEvent event = new RequestEvent();
    event.begin();
    return event;
  }

  /** It has ended. */
  public void ended(Stage stage) {
    if (shouldCommit()) {
      layer = stage.layer();
      operation = stage.operation();
      commit();
    }
  }

  @Override
  public String toString() {
    return layer + " " + operation;
  }
}
