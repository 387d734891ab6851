package io.sheepfs.dist;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;

/**
 * A {@link TroubledLink} as a program, for bench/ and scripts/: {@code LinkCommand PORT TARGET}
 * listens on a port of this machine (0 for any), prints which, and passes on to another. It does as
 * the lines of its standard input say, and answers each with {@code ok}:
 *
 * <pre>
 *   delay MS   each way, from now on
 *   rate MB    of 1,000,000 bytes a second, each way; 0 for no limit
 *   stall      nothing gets through, connections stay
 *   pass       all gets through again, without delay
 *   reset      break all connections
 * </pre>
 *
 * <p>It stays when its input ends; a signal ends it.
 */
final class LinkCommand {

  private LinkCommand() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments.length != 2) {
      System.err.println("usage: LinkCommand PORT TARGET");
      System.exit(1);
    }
    try (TroubledLink link =
        new TroubledLink(Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1]))) {
      System.out.println(link.port());
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        System.out.println(obey(link, line.trim().split(" +")));
      }
      new CountDownLatch(1).await();
    }
  }

  private static String obey(TroubledLink link, String[] words) {
    long number = words.length > 1 ? Long.parseLong(words[1]) : 0;
    switch (words[0]) {
      case "delay" -> link.delay(number);
      case "rate" -> link.rate(number * 1_000_000);
      case "stall" -> link.stall();
      case "pass" -> link.pass();
      case "reset" -> link.reset();
      default -> {
        return "what is " + words[0] + "?";
      }
    }
    return "ok";
  }
}
