package io.sheepfs.protocol.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SheepAddressesTest {

  private static List<String> parsed(String text) {
    return SheepAddresses.parse(text, 7000).stream()
        .map(address -> address.getHostString() + " " + address.getPort())
        .toList();
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1, 127.0.0.1 7000",
    "127.0.0.1:7001, 127.0.0.1 7001",
    "::1, 0:0:0:0:0:0:0:1 7000",
    "[::1]:7002, 0:0:0:0:0:0:0:1 7002",
    "[::1], 0:0:0:0:0:0:0:1 7000"
  })
  void parse_oneAddress_hasItsPortOrTheOther(String text, String expected) {
    assertEquals(List.of(expected), parsed(text));
  }

  @Test
  void parse_severalAddresses_keepsTheirOrder() {
    assertEquals(List.of("127.0.0.2 7001", "127.0.0.1 7000"), parsed("127.0.0.2:7001,127.0.0.1"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", ":1"})
  void parse_whatIsNoAddress_isRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> SheepAddresses.parse(text, 7000));
  }
}
