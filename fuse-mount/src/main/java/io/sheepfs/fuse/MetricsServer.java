package io.sheepfs.fuse;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells over HTTP how a mount does: {@code /metrics} is what {@code .stats} shows, in the text
 * format of Prometheus; {@code /health} is 200 while the cluster answers, else 503. Safe for any
 * number of threads.
 */
final class MetricsServer implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(MetricsServer.class);
  private static final int WAITING_CONNECTIONS = 16;

  private final HttpServer server;
  private final ExecutorService threads;

  private MetricsServer(HttpServer server, ExecutorService threads) {
    this.server = server;
    this.threads = threads;
  }

  /**
   * Begins to answer.
   *
   * @param metrics the counters
   * @param health what the cluster says, an empty text if it does not answer
   * @throws IOException if the address cannot be listened on
   */
  static MetricsServer start(
      InetSocketAddress address, Supplier<String> metrics, Supplier<String> health)
      throws IOException {
    HttpServer server = HttpServer.create(address, WAITING_CONNECTIONS);
    ExecutorService threads =
        Executors.newFixedThreadPool(
            2,
            task -> {
              Thread thread = new Thread(task, "metrics");
              thread.setDaemon(true);
              return thread;
            });
    server.setExecutor(threads);
    server.createContext("/metrics", exchange -> answer(exchange, "/metrics", 200, metrics.get()));
    server.createContext(
        "/health",
        exchange -> {
          String state = health.get();
          boolean well = !state.isEmpty();
          answer(
              exchange, "/health", well ? 200 : 503, well ? state : "the cluster does not answer");
        });
    server.start();
    log.info("metrics at http:/{}/metrics", server.getAddress());
    return new MetricsServer(server, threads);
  }

  private static void answer(HttpExchange exchange, String path, int status, String text)
      throws IOException {
    try (exchange) {
      boolean get = exchange.getRequestMethod().equals("GET");
      boolean known = exchange.getRequestURI().getPath().equals(path);
      byte[] body =
          (known ? text.stripTrailing() + "\n" : "not found\n").getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
      exchange.sendResponseHeaders(!get ? 405 : known ? status : 404, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  /** The port that is listened on. */
  int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdown();
  }
}
