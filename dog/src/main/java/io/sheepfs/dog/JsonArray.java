package io.sheepfs.dog;

import java.io.PrintStream;

/** A JSON array for a listing, written as it comes: one element a line. */
final class JsonArray {

  private final PrintStream out;
  private boolean empty = true;

  JsonArray(PrintStream out) {
    this.out = out;
  }

  void add(JsonObject element) {
    out.print((empty ? "[" : ",\n ") + element);
    empty = false;
  }

  void end() {
    out.println(empty ? "[]" : "]");
  }
}
