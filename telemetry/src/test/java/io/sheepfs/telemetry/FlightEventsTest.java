package io.sheepfs.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlightEventsTest {

  @TempDir private Path folder;

  @Test
  void events_areInARecording() throws Exception {
    Path file = folder.resolve("flight.jfr");
    try (Recording recording = new Recording()) {
      recording.enable(RequestEvent.class);
      recording.enable(FlushEvent.class);
      recording.enable(RecoveryEvent.class);
      recording.start();
      RequestEvent.started().ended(Stage.FUSE_READ);
      FlushEvent.started().ended("cache", "00000a");
      RecoveryEvent.started().ended(3, 40);
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> events =
        RecordingFile.readAllEvents(file).stream()
            .filter(event -> event.getEventType().getName().startsWith("sheepfs."))
            .toList();
    assertEquals(3, events.size(), events::toString);
    for (RecordedEvent event : events) {
      assertEquals(List.of("sheepfs"), event.getEventType().getCategoryNames());
    }
    RecordedEvent request = named(events, "sheepfs.Request");
    assertEquals("fuse", request.getString("layer"));
    assertEquals("read", request.getString("operation"));
    assertEquals("00000a", named(events, "sheepfs.Flush").getString("vdi"));
    assertEquals(3, named(events, "sheepfs.Recovery").getInt("epoch"));
    assertEquals(40, named(events, "sheepfs.Recovery").getLong("objects"));
  }

  private static RecordedEvent named(List<RecordedEvent> events, String name) {
    return events.stream()
        .filter(event -> event.getEventType().getName().equals(name))
        .findFirst()
        .orElseThrow();
  }
}
