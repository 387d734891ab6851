package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Every public decoder of a body there is, fed with recorded bodies and valid records whose bytes
 * are changed and whose ends are cut off. It refuses them by an {@link IllegalArgumentException}
 * that says why, or takes them; what it takes, it encodes and decodes to the same. A longer
 * campaign: {@code -Dfuzz.frames=N}; the same again: {@code -Dfuzz.seed=N}.
 */
@Timeout(value = 6, unit = TimeUnit.HOURS) // for campaigns by hand
class RecordDecodersFuzzTest {

  private static final int ROUNDS = Integer.getInteger("fuzz.frames", 20_000) / 10;

  /** Numbers of nodes in a record, and versions of the protocol. */
  private static final int[] ARGUMENTS = {1, 2, 16, 6144, 9, 10};

  private final long seed = Long.getLong("fuzz.seed", System.nanoTime());
  private final Random random = new Random(seed);

  @Test
  void bodies_mutated_takenOrRefused() throws Exception {
    List<Method> decoders = decoders();
    assertTrue(decoders.size() >= 14, decoders::toString);
    List<byte[]> bodies = bodies();
    int[] taken = new int[decoders.size()];
    for (int round = 0; round < ROUNDS; round++) {
      byte[] body = mutated(bodies.get(random.nextInt(bodies.size())));
      for (int i = 0; i < taken.length; i++) {
        taken[i] += decode(decoders.get(i), body);
      }
    }
    for (int i = 0; i < taken.length; i++) {
      Method decoder = decoders.get(i);
      assertTrue(taken[i] > 0, () -> decoder + " took nothing; seed " + seed);
    }
  }

  /**
   * All of the package that take a body. A header has its 48 bytes: the frame decoder sees to it.
   */
  private static List<Method> decoders() throws Exception {
    List<Method> decoders = new ArrayList<>();
    for (Class<?> type : classes()) {
      for (Method method : type.getDeclaredMethods()) {
        if (Modifier.isPublic(type.getModifiers())
            && Modifier.isPublic(method.getModifiers())
            && Modifier.isStatic(method.getModifiers())
            && method.getName().startsWith("decode")
            && method.getParameterTypes()[0] == ByteBuffer.class
            && type != RequestHeader.class
            && type != ResponseHeader.class) {
          decoders.add(method);
        }
      }
    }
    return decoders;
  }

  private static List<Class<?>> classes() throws IOException, URISyntaxException {
    Path root =
        Path.of(Opcode.class.getProtectionDomain().getCodeSource().getLocation().toURI())
            .resolve("io/sheepfs/protocol");
    List<Class<?>> classes = new ArrayList<>();
    try (Stream<Path> files = Files.list(root)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        if (name.endsWith(".class") && !name.equals("package-info.class")) {
          classes.add(named("io.sheepfs.protocol." + name.substring(0, name.length() - 6)));
        }
      }
    }
    return classes;
  }

  private static Class<?> named(String name) {
    try {
      return Class.forName(name);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<byte[]> bodies() throws IOException {
    List<byte[]> bodies = new ArrayList<>();
    for (RecordedMessage message : RecordedMessage.all()) {
      if (message.bodyLength() > 0 && message.bodyLength() < 500_000) {
        bodies.add(message.paddedBody());
      }
    }
    byte[] inode = new byte[InodeLayout.HEADER_BYTES];
    inode[InodeLayout.NAME] = 'a';
    inode[555] = 22;
    inode[560] = 1;
    byte[] bitmap = VdiBitmap.of(Stream.of(new VdiId(0x7c2b25))).encode().array();
    for (int copies = 0; copies < bodies.size() / 20; copies++) {
      bodies.add(inode); // as often as others are
    }
    bodies.add(bitmap);
    bodies.add(bitmap);
    return bodies;
  }

  private byte[] mutated(byte[] body) {
    int length = random.nextInt(3) == 0 ? random.nextInt(body.length + 1) : body.length;
    byte[] changed = Arrays.copyOf(body, length);
    for (int flips = random.nextInt(6); flips > 0 && length > 0; flips--) {
      int at = random.nextInt(random.nextBoolean() ? Math.min(64, length) : length);
      changed[at] = (byte) random.nextInt(256);
    }
    return changed;
  }

  /** 1 if it was taken. */
  private int decode(Method decoder, byte[] body) throws IllegalAccessException {
    int argument = ARGUMENTS[random.nextInt(ARGUMENTS.length)];
    try {
      Object taken = decode(decoder, ByteBuffer.wrap(body), argument);
      if (taken instanceof InodeHeader header) {
        header.toVdiInfo();
      }
      Object again = again(decoder, taken, argument);
      assertEquals(taken, again, () -> decoder + ", seed " + seed);
      return 1;
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof IllegalArgumentException refusal) {
        assertTrue(String.valueOf(refusal.getMessage()).length() > 5, () -> "seed " + seed);
        return 0;
      }
      throw new AssertionError(decoder + ", seed " + seed, e.getCause());
    } catch (IllegalArgumentException e) {
      assertTrue(String.valueOf(e.getMessage()).length() > 5, () -> "seed " + seed);
      return 0;
    }
  }

  private static Object decode(Method decoder, ByteBuffer body, int argument)
      throws IllegalAccessException, InvocationTargetException {
    return decoder.getParameterCount() == 1
        ? decoder.invoke(null, body)
        : decoder.invoke(null, body, argument);
  }

  /** Encoded and decoded again, where the record knows how to encode itself alone. */
  private static Object again(Method decoder, Object taken, int argument)
      throws IllegalAccessException, InvocationTargetException {
    if (!taken.getClass().isRecord() || taken instanceof VdiBitmap) {
      return taken;
    }
    try {
      Method encode = taken.getClass().getMethod("encode");
      return decode(decoder, (ByteBuffer) encode.invoke(taken), argument);
    } catch (NoSuchMethodException e) {
      return taken;
    }
  }
}
