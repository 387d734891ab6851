package io.sheepfs.telemetry;

import java.util.Locale;

/**
 * A plain page that loads itself again: headings, lines and tables, every text escaped. Needs no
 * script and nothing from elsewhere. For one thread.
 */
public final class HtmlPage {

  private static final String STYLE =
      "body{font:15px/1.45 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;"
          + "color:#1b1f24;background:#fff}"
          + "h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}"
          + "table{border-collapse:collapse;width:100%}"
          + "th,td{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid #d8dee4;"
          + "font-variant-numeric:tabular-nums}"
          + "th{font-weight:600;color:#57606a}p{margin:.3rem 0}"
          + ".bad{color:#b3261e;font-weight:600}.good{color:#1a7f37;font-weight:600}"
          + "meter{width:16rem;vertical-align:middle}"
          + "@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}"
          + "th,td{border-color:#30363d}th{color:#9198a1}.bad{color:#ff7b72}.good{color:#3fb950}}";

  private final StringBuilder text = new StringBuilder(4096);

  /** Begins a page that is loaded again after so many seconds. */
  public HtmlPage(String title, int refreshSeconds) {
    text.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .append("<meta name=\"viewport\" content=\"width=device-width\">\n")
        .append("<meta http-equiv=\"refresh\" content=\"")
        .append(refreshSeconds)
        .append("\">\n<title>")
        .append(escaped(title))
        .append("</title>\n<style>")
        .append(STYLE)
        .append("</style>\n</head>\n<body>\n<h1>")
        .append(escaped(title))
        .append("</h1>\n");
  }

  /** Text that a browser shows as it is. */
  static String escaped(String raw) {
    StringBuilder safe = new StringBuilder(raw.length() + 16);
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      switch (c) {
        case '&' -> safe.append("&amp;");
        case '<' -> safe.append("&lt;");
        case '>' -> safe.append("&gt;");
        case '"' -> safe.append("&quot;");
        case '\'' -> safe.append("&#39;");
        default -> safe.append(c < ' ' ? '\ufffd' : c);
      }
    }
    return safe.toString();
  }

  /** A heading. */
  public HtmlPage heading(String heading) {
    text.append("<h2>").append(escaped(heading)).append("</h2>\n");
    return this;
  }

  /** A line. */
  public HtmlPage line(String line) {
    text.append("<p>").append(escaped(line)).append("</p>\n");
    return this;
  }

  /** A line that says how something is. */
  public HtmlPage state(boolean well, String line) {
    text.append(well ? "<p class=\"good\">" : "<p class=\"bad\">").append(escaped(line));
    text.append("</p>\n");
    return this;
  }

  /** How much of something is used, or done, and what that is. */
  public HtmlPage share(long part, long whole, String line) {
    text.append("<p><meter max=\"")
        .append(Math.max(1, whole))
        .append("\" value=\"")
        .append(part)
        .append("\"></meter> ")
        .append(escaped(line))
        .append("</p>\n");
    return this;
  }

  /** Begins a table. */
  public HtmlPage table(String... columns) {
    text.append("<table>\n");
    return cells("th", columns);
  }

  /** A row of it. */
  public HtmlPage row(String... cells) {
    return cells("td", cells);
  }

  private HtmlPage cells(String tag, String... cells) {
    text.append("<tr>");
    for (String cell : cells) {
      text.append('<').append(tag).append('>').append(escaped(cell));
      text.append("</").append(tag).append('>');
    }
    text.append("</tr>\n");
    return this;
  }

  /** Ends it. */
  public HtmlPage endTable() {
    text.append("</table>\n");
    return this;
  }

  /** The latencies of all stages of this process. */
  public HtmlPage latencies() {
    heading("Latencies since the start");
    table("Layer and operation", "Times", "Average", "Half within", "99 % within");
    for (Stage stage : Stage.values()) {
      long count = stage.count();
      if (count > 0) {
        row(
            stage.toString(),
            Long.toString(count),
            seconds(stage.totalSeconds() / count),
            seconds(stage.quantile(0.5)),
            seconds(stage.quantile(0.99)));
      }
    }
    return endTable();
  }

  /** A time for people: 1.0 µs, 35 ms, 4.3 s. */
  public static String seconds(double seconds) {
    if (seconds < 1e-3) {
      return String.format(Locale.ROOT, "%.1f \u00b5s", seconds * 1e6);
    }
    return seconds < 1
        ? String.format(Locale.ROOT, "%.1f ms", seconds * 1e3)
        : String.format("%.1f s", seconds);
  }

  /** A size for people: 512 B, 4.0 MiB. */
  public static String bytes(long bytes) {
    String units = "KMGTPE";
    double rest = (double) bytes;
    int unit = -1;
    while (rest >= 1024 && unit < units.length() - 1) {
      rest /= 1024;
      unit++;
    }
    return unit < 0
        ? bytes + " B"
        : String.format(Locale.ROOT, "%.1f %siB", rest, units.substring(unit, unit + 1));
  }

  /** The whole page. */
  public String end() {
    return text.append("</body>\n</html>\n").toString();
  }
}
