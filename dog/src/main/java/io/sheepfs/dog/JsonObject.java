package io.sheepfs.dog;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A JSON object for a listing, members in the order in which they were put. */
final class JsonObject {

  private final StringBuilder members = new StringBuilder();

  JsonObject put(String key, String value) {
    return member(key, quote(value));
  }

  JsonObject put(String key, long value) {
    return member(key, Long.toString(value));
  }

  JsonObject put(String key, boolean value) {
    return member(key, Boolean.toString(value));
  }

  JsonObject put(String key, List<JsonObject> values) {
    return member(
        key, values.stream().map(JsonObject::toString).collect(Collectors.joining(",", "[", "]")));
  }

  JsonObject put(String key, JsonObject value) {
    return member(key, value.toString());
  }

  /** A member that may be unknown. */
  JsonObject putOrNull(String key, @Nullable String value) {
    return member(key, value == null ? "null" : quote(value));
  }

  private JsonObject member(String key, String value) {
    members.append(members.isEmpty() ? "" : ",").append(quote(key)).append(':').append(value);
    return this;
  }

  private static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append("\\u00").append(Character.forDigit(c >> 4, 16));
        quoted.append(Character.forDigit(c & 0xF, 16));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }

  @Override
  public String toString() {
    return "{" + members + "}";
  }
}
