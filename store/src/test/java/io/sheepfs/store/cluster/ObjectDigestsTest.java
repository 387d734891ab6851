package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.ObjectFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ObjectDigestsTest {

  private static final ObjectId OID = ObjectId.data(new VdiId(7), 3);

  private ObjectFiles files;
  private ObjectDigests digests;

  @BeforeEach
  void open(@TempDir Path directory) {
    files = new ObjectFiles(directory, new Disk(directory, (change, path) -> {}), 4);
    Instant later = Instant.now().plus(Duration.ofHours(1)); // no file is too fresh
    digests = new ObjectDigests(files, () -> later);
  }

  @AfterEach
  void close() {
    files.close();
  }

  private void create(byte[] content) throws SheepException {
    files.create(OID, 0, ByteBuffer.wrap(content), Durability.UNSTABLE);
  }

  private static byte[] sha1(byte[] content, int length) throws NoSuchAlgorithmException {
    MessageDigest digest = MessageDigest.getInstance("SHA-1");
    digest.update(content, 0, length);
    return digest.digest();
  }

  /** Around the 256 KiB that are read at once, with zeros in between that are more than those. */
  @ParameterizedTest
  @CsvSource({
    "0, 0, 0",
    "1, 0, 0",
    "1, 0, 7",
    "0, 0, 600000",
    "262143, 0, 1",
    "262144, 0, 0",
    "262144, 0, 1",
    "262145, 0, 262143",
    "5, 262139, 262144",
    "100, 700000, 3",
    "1, 524286, 600000"
  })
  void digest_isThatOfTheContent_withoutZerosAtItsEnd(int before, int zeros, int after)
      throws SheepException, NoSuchAlgorithmException {
    int used = zeros == 0 ? before : before + zeros + 1;
    byte[] content = new byte[used + after];
    Random random = new Random(before);
    for (int i = 0; i < before; i++) {
      content[i] = (byte) (1 + random.nextInt(255));
    }
    if (zeros > 0) {
      content[used - 1] = 1;
    }
    create(content);
    assertArrayEquals(sha1(content, used), digests.of(OID));
    assertArrayEquals(sha1(content, used), digests.checked(OID));
  }

  @Test
  void content_thatChangesAlthoughNobodyWrites_isAnError_untilTheObjectIsMadeAnew()
      throws IOException {
    create(new byte[] {1, 2, 3});
    byte[] right = digests.checked(OID);
    Path file = files.file(OID);
    FileTime written = Files.getLastModifiedTime(file);
    try (FileChannel rotten = FileChannel.open(file, StandardOpenOption.WRITE)) {
      assertEquals(1, rotten.write(ByteBuffer.wrap(new byte[] {9}), 1));
    }
    Files.setLastModifiedTime(file, written);
    SheepException found = assertThrows(SheepException.class, () -> digests.checked(OID));
    assertEquals(ResultCode.EIO, found.result());
    create(new byte[] {1, 2, 3});
    Files.setLastModifiedTime(files.file(OID), written);
    digests.forget(OID);
    assertArrayEquals(right, digests.checked(OID));
  }

  @Test
  void object_thatIsNotThere_hasNone() throws SheepException {
    create(new byte[] {1});
    byte[] open = digests.of(OID);
    assertEquals(20, open.length);
    assertTrue(files.remove(OID));
    SheepException found = assertThrows(SheepException.class, () -> digests.checked(OID));
    assertEquals(ResultCode.NO_OBJ, found.result());
  }
}
