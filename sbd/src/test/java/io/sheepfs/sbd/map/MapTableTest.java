package io.sheepfs.sbd.map;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MapTableTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);

  @TempDir private Path folder;

  private List<MapTable.Entry> read(String text) throws IOException {
    return MapTable.read(Files.writeString(folder.resolve("sbdtab"), text));
  }

  @Test
  void read_linesWithAndWithoutOptions_areUnderstood() throws Exception {
    assertEquals(
        List.of(
            new MapTable.Entry(
                new Target("127.0.0.1", 7000, "disk"), new MapOptions(false, null, MINUTE, false)),
            new MapTable.Entry(
                new Target("sheep.example", 7001, "images#1@v1"),
                new MapOptions(true, 7, Duration.ofSeconds(5), true))),
        read(
            """
            # HOST PORT VDI OPTIONS
            127.0.0.1  7000 disk

            sheep.example 7001\timages#1@v1 ro,nbd,id=7,timeout=5  # a snapshot
            """));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1 7000",
        "127.0.0.1 7000 disk ro extra",
        "127.0.0.1 seven disk",
        "127.0.0.1 70000 disk",
        "127.0.0.1 7000 disk ndb",
        "127.0.0.1 7000 disk id=-1",
        "127.0.0.1 7000 disk timeout=0",
        "127.0.0.1 7000 disk timeout=9999999"
      })
  void read_lineThatIsWrong_isNamed(String line) {
    IOException refused = assertThrows(IOException.class, () -> read("# first\n" + line + "\n"));
    assertTrue(String.valueOf(refused.getMessage()).contains("line 2: "), refused.toString());
  }
}
