package io.sheepfs.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.event.Level;

class JsonLoggerTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void line_withAnyCharacters_isOneLineOfJson() throws IOException {
    String message = "quote \" backslash \\ line\nfeed\ttab \u0000\u001b\u007f \u00e9 \ud83d\ude00";
    String line =
        JsonLogger.line(Instant.ofEpochMilli(1), Level.WARN, "a thread", "a.logger", message, null);
    assertFalse(line.contains("\n"), line);
    JsonNode parsed = JSON.readTree(line);
    assertEquals("1970-01-01T00:00:00.001Z", parsed.get("time").asText());
    assertEquals("WARN", parsed.get("level").asText());
    assertEquals("a thread", parsed.get("thread").asText());
    assertEquals("a.logger", parsed.get("logger").asText());
    assertEquals(message, parsed.get("message").asText());
    assertFalse(parsed.has("failure"));
  }

  @Test
  void failure_isThereWithItsTrace() throws IOException {
    String line =
        JsonLogger.line(
            Instant.EPOCH,
            Level.ERROR,
            "t",
            "l",
            "m",
            new IOException("broken", new Error("deep")));
    String trace = JSON.readTree(line).get("failure").asText();
    assertTrue(trace.startsWith("java.io.IOException: broken\n\tat "), trace);
    assertTrue(trace.contains("Caused by: java.lang.Error: deep"), trace);
  }

  @Test
  void logger_ofOurs_tellsInfoAndOthersWarnings() throws IOException {
    JsonLogProvider provider = new JsonLogProvider();
    provider.initialize();
    Logger ours = provider.getLoggerFactory().getLogger("io.sheepfs.x");
    Logger others = provider.getLoggerFactory().getLogger("org.other");
    assertTrue(ours.isInfoEnabled());
    assertFalse(ours.isDebugEnabled());
    assertFalse(others.isInfoEnabled());
    assertTrue(others.isWarnEnabled());
    PrintStream before = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      ours.info("{} of {}", 1, "two", new IOException("x"));
      ours.debug("not told");
    } finally {
      System.setErr(before);
    }
    JsonNode parsed = JSON.readTree(said.toString(StandardCharsets.UTF_8));
    assertEquals("1 of two", parsed.get("message").asText());
    assertTrue(parsed.get("failure").asText().startsWith("java.io.IOException: x"));
  }
}
