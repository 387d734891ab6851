package io.sheepfs.protocol;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A message that was recorded between processes of the original.
 *
 * @param source the recording and the position in it, to tell which one failed
 * @param request whether a client sent it, or a sheep in a client's role
 * @param header its 48 bytes
 * @param bodyLength bytes of the whole body
 * @param body the body, or of a long one the first 512 bytes
 * @param bodySha256 the digest of the whole body
 * @param connection tells the connections of one recording apart
 * @param peer whether it passed between two sheep
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record RecordedMessage(
    String source,
    boolean request,
    String op,
    byte[] header,
    int bodyLength,
    byte[] body,
    String bodySha256,
    int connection,
    boolean peer) {

  private static final List<String> FOLDERS = List.of("1.0", "0.9", "1.0-3node");

  /** All recorded messages. */
  public static List<RecordedMessage> all() throws IOException {
    List<RecordedMessage> messages = new ArrayList<>();
    for (String folder : FOLDERS) {
      try (Stream<Path> files = Files.list(resource("/vectors/" + folder))) {
        for (Path file : files.sorted().toList()) {
          read(folder, file, messages);
        }
      }
    }
    return messages;
  }

  /** A parsed JSON file of the test resources. */
  public static JsonNode json(String name) throws IOException {
    return new ObjectMapper().readTree(Files.readAllBytes(resource(name)));
  }

  /** The whole body: what was not recorded of a long one was, nearly always, zeros. */
  public byte[] paddedBody() {
    return Arrays.copyOf(body, bodyLength);
  }

  private static void read(String folder, Path file, List<RecordedMessage> messages)
      throws IOException {
    JsonNode list = new ObjectMapper().readTree(Files.readAllBytes(file));
    for (int i = 0; i < list.size(); i++) {
      JsonNode message = list.get(i);
      String hex = message.path("body_hex").asText(message.path("body_hex_first512").asText());
      messages.add(
          new RecordedMessage(
              folder + "/" + file.getFileName() + "#" + i,
              message.get("dir").asText().equals("c2s"),
              message.get("op").asText(),
              HexFormat.of().parseHex(message.get("header_hex").asText()),
              message.get("body_len").asInt(),
              HexFormat.of().parseHex(hex),
              message.path("body_sha256").asText(),
              message.get("conn").asInt(),
              message.path("who").asText().equals("sheep-to-sheep")));
    }
  }

  private static Path resource(String name) {
    URL url = Objects.requireNonNull(RecordedMessage.class.getResource(name), name);
    try {
      URI uri = url.toURI();
      return uri.getScheme().equals("jar") ? inJar(uri) : Path.of(uri);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Other modules have these classes in a jar, which stays open as long as the tests run. */
  @SuppressWarnings("resource")
  private static synchronized Path inJar(URI uri) {
    try {
      FileSystems.newFileSystem(uri, Map.of());
    } catch (FileSystemAlreadyExistsException e) {
      return Path.of(uri);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Path.of(uri);
  }

  @Override
  public String toString() {
    return source + " " + op;
  }
}
