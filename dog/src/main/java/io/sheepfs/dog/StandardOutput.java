package io.sheepfs.dog;

import java.io.IOException;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/** Where the output of a command goes. Remembers why it could not, which a PrintStream forgets. */
final class StandardOutput extends OutputStream {

  private final OutputStream out;
  private @Nullable IOException failure;

  StandardOutput(OutputStream out) {
    this.out = out;
  }

  /** What the user is told; null if all was written, or if the reader wanted no more. */
  @Nullable String complaint() {
    if (failure == null || "Broken pipe".equals(failure.getMessage())) {
      return null;
    }
    return "Cannot write to standard output: " + failure.getMessage();
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      failure = e;
      throw e;
    }
  }
}
