package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.telemetry.MetricsServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;

class SheepMetricsTest {

  private final HttpClient client = HttpClient.newHttpClient();

  private String ask(MetricsServer metrics, String path) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + metrics.port() + path);
    HttpResponse<String> answer =
        client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    return answer.statusCode() + " " + answer.body();
  }

  private static MetricsServer start(ServedStore store) throws Exception {
    return store.server().startMetrics(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
  }

  private static double value(String metrics, String name) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " is missing in " + metrics));
  }

  @Test
  void requests_areCountedAndTimed() throws Exception {
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS);
        MetricsServer metrics = start(store);
        Cluster cluster = store.connect()) {
      String before = ask(metrics, "/metrics");
      assertEquals(1, value(before, "sheepfs_sheep_up"));
      cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(1 << 22));
      String after = ask(metrics, "/metrics");
      assertTrue(
          value(after, "sheepfs_sheep_requests_total")
              >= value(before, "sheepfs_sheep_requests_total"));
      assertEquals(1, value(after, "sheepfs_sheep_nodes"));
      assertTrue(value(after, "sheepfs_sheep_connections") >= 1, after);
      assertTrue(value(after, "sheepfs_sheep_space_bytes") > 0, after);
      String created = "sheepfs_request_duration_seconds_count{layer=\"%s\",operation=\"%s\"}";
      assertTrue(value(after, created.formatted("sheep", "other")) >= 1, after);
      assertTrue(value(after, created.formatted("store", "write")) >= 1, after);
      assertTrue(value(after, created.formatted("client", "other")) >= 1, after);
      assertEquals("200 Success\n", ask(metrics, "/health"));
    }
  }

  @Test
  void store_thatIsNotFormatted_isNotWell() throws Exception {
    try (ServedStore store = new ServedStore(false, ServerOptions.DEFAULTS);
        MetricsServer metrics = start(store)) {
      String health = ask(metrics, "/health");
      assertTrue(health.startsWith("503 "), health);
      assertEquals(0, value(ask(metrics, "/metrics"), "sheepfs_sheep_up"));
    }
  }
}
