package io.sheepfs.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;

class MetricsServerTest {

  private final HttpClient client = HttpClient.newHttpClient();
  private volatile String health = "Success";

  private MetricsServer start() throws IOException {
    return MetricsServer.start(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), () -> "a 1\n", () -> health);
  }

  private String ask(MetricsServer server, String method, String path) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
            .method(method, HttpRequest.BodyPublishers.noBody())
            .build();
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
    return response.statusCode() + " " + response.body();
  }

  @Test
  void metricsAndHealth_areTold() throws Exception {
    try (MetricsServer server = start()) {
      assertEquals("200 a 1\n", ask(server, "GET", "/metrics"));
      assertEquals("200 Success\n", ask(server, "GET", "/health"));
      health = "";
      assertEquals("503 the cluster does not answer\n", ask(server, "GET", "/health"));
      assertEquals("404 not found\n", ask(server, "GET", "/metrics/x"));
      assertEquals("404", ask(server, "GET", "/").substring(0, 3));
      assertEquals("405 a 1\n", ask(server, "POST", "/metrics"));
    }
  }

  @Test
  void address_inUse_isRefused() throws Exception {
    try (MetricsServer server = start()) {
      InetSocketAddress taken =
          new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port());
      assertThrows(IOException.class, () -> MetricsServer.start(taken, () -> "", () -> "").close());
    }
  }
}
