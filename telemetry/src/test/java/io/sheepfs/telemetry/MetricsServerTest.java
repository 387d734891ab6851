package io.sheepfs.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MetricsServerTest {

  private final HttpClient client = HttpClient.newHttpClient();
  private volatile Health health = new Health(true, "Success");

  private MetricsServer start(@Nullable String page) throws IOException {
    return MetricsServer.start(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
        () -> new MetricList().counter("a", "What it is", 1).gauge("b", "And this", 1L << 40),
        () -> health,
        page == null ? null : () -> page);
  }

  private HttpResponse<String> ask(MetricsServer server, String method, String path, String accept)
      throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
            .method(method, HttpRequest.BodyPublishers.noBody())
            .header("Accept", accept)
            .build();
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private String ask(MetricsServer server, String method, String path) throws Exception {
    HttpResponse<String> response = ask(server, method, path, "*/*");
    return response.statusCode() + " " + response.body();
  }

  @Test
  void metricsAndHealth_areTold() throws Exception {
    try (MetricsServer server = start(null)) {
      String metrics = ask(server, "GET", "/metrics");
      assertTrue(metrics.startsWith("200 # HELP sheepfs_a_total What it is\n"), metrics);
      assertTrue(metrics.contains("\n# TYPE sheepfs_a_total counter\n"), metrics);
      assertTrue(metrics.contains("\nsheepfs_a_total 1.0\n"), metrics);
      assertTrue(metrics.contains("\nsheepfs_b 1.099511627776E12\n"), metrics);
      assertEquals("200 Success\n", ask(server, "GET", "/health"));
      health = new Health(false, "the cluster is away");
      assertEquals("503 the cluster is away\n", ask(server, "GET", "/health"));
      assertEquals("404 not found\n", ask(server, "GET", "/metrics/x"));
      assertEquals("404 not found\n", ask(server, "GET", "/"));
      assertEquals("405 only GET and HEAD\n", ask(server, "POST", "/metrics"));
      assertEquals("503 ", ask(server, "HEAD", "/health"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1, 200",
    "127.0.0.1:9100, 200",
    "[::1]:9100, 200",
    "localhost, 200",
    "sheep.evil.example, 421",
    "localhost.evil.example, 421",
    "127.0.0.1.evil.example:80, 421",
    "'', 421"
  })
  void strangersNames_areNotAnswered(String host, int status) throws Exception {
    try (MetricsServer server = start("<p>all well</p>");
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      String request = "GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      assertTrue(answer.startsWith("HTTP/1.1 " + status + " "), answer);
      assertEquals(status == 200, answer.contains("all well"));
    }
  }

  @Test
  void scraper_thatPrefersOpenMetrics_getsIt() throws Exception {
    try (MetricsServer server = start(null)) {
      HttpResponse<String> answer =
          ask(server, "GET", "/metrics", "application/openmetrics-text; version=1.0.0");
      String type = answer.headers().firstValue("Content-Type").orElse("");
      assertTrue(type.startsWith("application/openmetrics-text"), type);
      assertTrue(answer.body().endsWith("# EOF\n"), answer.body());
    }
  }

  @Test
  void page_isShownAtTheRootOnly() throws Exception {
    try (MetricsServer server = start("<p>all well</p>")) {
      assertEquals("200 <p>all well</p>", ask(server, "GET", "/"));
      assertEquals("404 not found\n", ask(server, "GET", "/x"));
    }
  }

  @Test
  void address_inUse_isRefused() throws Exception {
    try (MetricsServer server = start(null)) {
      InetSocketAddress taken =
          new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port());
      assertThrows(
          IOException.class,
          () -> MetricsServer.start(taken, MetricList::new, () -> health, null).close());
    }
  }

  @Test
  void address_ofOtherMachinesOrWrong_isRefused() {
    assertEquals("/127.0.0.1:9461", String.valueOf(MetricsAddress.parse("9461")));
    assertEquals("/127.0.0.2:1", String.valueOf(MetricsAddress.parse("127.0.0.2:1")));
    assertNull(MetricsAddress.parse(null));
    for (String wrong : new String[] {"0.0.0.0:9461", "x", "70000", "127.0.0.1:", ""}) {
      assertThrows(IllegalArgumentException.class, () -> MetricsAddress.parse(wrong), wrong);
    }
  }
}
