package io.sheepfs.protocol;

import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** What may be the name of a VDI or of a snapshot: anything that can name a file. */
final class FileNameRule {

  private FileNameRule() {}

  /**
   * Checks a name.
   *
   * @param noun what the name is for, to open the message with
   * @throws IllegalArgumentException with a message for the user
   */
  static void check(String noun, String name) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException(noun + " is empty");
    }
    if (name.equals(".") || name.equals("..")) {
      throw new IllegalArgumentException(noun + " cannot be '" + name + "'");
    }
    if (name.indexOf('/') >= 0 || name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(noun + " contains '/' or NUL: '" + name + "'");
    }
    int bytes;
    try {
      bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(name)).remaining();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(noun + " is not valid Unicode", e);
    }
    if (bytes > VdiName.MAX_BYTES) {
      throw new IllegalArgumentException(
          noun + " has " + bytes + " bytes; at most " + VdiName.MAX_BYTES + " are possible");
    }
  }
}
