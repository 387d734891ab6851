package io.sheepfs.telemetry;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells over HTTP how a daemon does: {@code /metrics} in whichever text format of Prometheus the
 * scraper asks for; {@code /health} with 200 while the daemon can work, else 503; and {@code /} is
 * a page for people, if there is one. Who asks for it by another name than an address or localhost
 * gets 421. Safe for any number of threads.
 */
public final class MetricsServer implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(MetricsServer.class);
  private static final int WAITING_CONNECTIONS = 16;
  private static final int THREADS = 4;
  private static final Pattern ADDRESS =
      Pattern.compile("(localhost|[0-9.]+|\\[[0-9a-fA-F:.]+])(:[0-9]+)?");
  private static final String PLAIN = "text/plain; charset=utf-8";

  private final HttpServer server;
  private final ExecutorService threads;
  private final ExpositionFormats formats = ExpositionFormats.init();

  private MetricsServer(HttpServer server, ExecutorService threads) {
    this.server = server;
    this.threads = threads;
  }

  /**
   * Begins to answer.
   *
   * @param metrics the numbers as they are now
   * @param health may take its time
   * @param page HTML; null for none
   * @throws IOException if the address cannot be listened on
   */
  public static MetricsServer start(
      InetSocketAddress address,
      Supplier<MetricList> metrics,
      Supplier<Health> health,
      @Nullable Supplier<String> page)
      throws IOException {
    HttpServer server = HttpServer.create(address, WAITING_CONNECTIONS);
    ExecutorService threads =
        Executors.newFixedThreadPool(
            THREADS,
            task -> {
              Thread thread = new Thread(task, "metrics");
              thread.setDaemon(true);
              return thread;
            });
    server.setExecutor(threads);
    MetricsServer started = new MetricsServer(server, threads);
    started.serve("/metrics", exchange -> started.scrape(exchange, metrics.get()));
    started.serve(
        "/health",
        exchange -> {
          Health now = health.get();
          return new Page(now.well() ? 200 : 503, PLAIN, now.text() + "\n");
        });
    started.serve(
        "/",
        exchange ->
            page == null
                ? new Page(404, PLAIN, "not found\n")
                : new Page(200, "text/html; charset=utf-8", page.get()));
    server.start();
    log.info("metrics at http:/{}/metrics", server.getAddress());
    return started;
  }

  private record Page(int status, String type, String body) {}

  private interface Answer {
    Page to(HttpExchange exchange) throws IOException;
  }

  private Page scrape(HttpExchange exchange, MetricList metrics) throws IOException {
    String accepts = exchange.getRequestHeaders().getFirst("Accept");
    ExpositionFormatWriter writer = formats.findWriter(accepts);
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    writer.write(body, metrics.build());
    return new Page(200, writer.getContentType(), body.toString(StandardCharsets.UTF_8));
  }

  private void serve(String path, Answer answer) {
    server.createContext(path, exchange -> answer(exchange, path, answer));
  }

  private static void answer(HttpExchange exchange, String path, Answer answer) throws IOException {
    try (exchange) {
      String method = exchange.getRequestMethod();
      Page page;
      if (!isAskedByAddress(exchange)) {
        page = new Page(421, PLAIN, "ask by address, or as localhost\n");
      } else if (!method.equals("GET") && !method.equals("HEAD")) {
        page = new Page(405, PLAIN, "only GET and HEAD\n");
      } else if (!exchange.getRequestURI().getPath().equals(path)) {
        page = new Page(404, PLAIN, "not found\n");
      } else {
        page = answer.to(exchange);
      }
      exchange.getResponseHeaders().set("Content-Type", page.type);
      exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
      exchange
          .getResponseHeaders()
          .set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
      if (method.equals("HEAD")) {
        exchange.sendResponseHeaders(page.status, -1);
      } else {
        byte[] body = page.body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(page.status, body.length);
        exchange.getResponseBody().write(body);
      }
    } catch (RuntimeException e) {
      log.warn("{} cannot be told", path, e); // the server would only close the connection
      throw e;
    }
  }

  /**
   * A browser asks with the name that its user followed. If that name is a stranger's, whose
   * address has become ours meanwhile, the stranger's page would read the answer.
   */
  private static boolean isAskedByAddress(HttpExchange exchange) {
    String host = exchange.getRequestHeaders().getFirst("Host");
    return host == null || ADDRESS.matcher(host).matches();
  }

  /** The port that is listened on. */
  public int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdown();
  }
}
