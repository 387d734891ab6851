package io.sheepfs.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.xml.sax.InputSource;

class HtmlPageTest {

  private static final String EVIL = "</td><script>alert('\"&\u0007')</script>";

  @Test
  void texts_fromOutside_areEscapedEverywhere() {
    String page =
        new HtmlPage(EVIL, 5)
            .heading(EVIL)
            .line(EVIL)
            .state(false, EVIL)
            .share(1, 2, EVIL)
            .table(EVIL)
            .row(EVIL)
            .endTable()
            .end();
    assertFalse(page.contains("<script"), page);
    assertEquals(
        "&lt;/td&gt;&lt;script&gt;alert(&#39;&quot;&amp;\ufffd&#39;)&lt;/script&gt;",
        HtmlPage.escaped(EVIL));
  }

  @Test
  void page_isWellFormed() throws Exception {
    long unused = Stage.NBD_OTHER.end(Stage.begin());
    String page =
        new HtmlPage("title", 5)
            .heading("a")
            .table("x", "y")
            .row("1", "2")
            .endTable()
            .latencies()
            .end();
    assertTrue(page.contains("<meta http-equiv=\"refresh\" content=\"5\">"), page);
    // but for the elements that have no end
    String xml = page.replace("<!DOCTYPE html>\n", "").replaceAll("(<meta [^>]*)>", "$1/>");
    DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(xml)));
  }

  @Test
  void numbers_areReadable() {
    assertEquals("1.5 \u00b5s", HtmlPage.seconds(1.5e-6));
    assertEquals("2.0 ms", HtmlPage.seconds(0.002));
    assertEquals("34.4 s", HtmlPage.seconds(34.36));
    assertEquals("512 B", HtmlPage.bytes(512));
    assertEquals("4.0 MiB", HtmlPage.bytes(4 << 20));
    assertEquals("4.0 EiB", HtmlPage.bytes(1L << 62));
  }
}
