package io.sheepfs.sbd.map;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.Properties;

/**
 * One mapped device, as it is remembered in a file.
 *
 * @param id the N of /dev/sbdN
 * @param driver {@link #LOOP} or {@link #NBD}
 * @param node the kernel's device, for example /dev/loop3
 * @param file what a loop device is over, or the socket that an NBD device is connected to
 * @param session what tells an NBD device's connection from later ones; empty for a loop device
 */
public record Device(
    int id,
    Target target,
    boolean readOnly,
    String driver,
    String node,
    String file,
    String session) {

  static final String LOOP = "loop";
  static final String NBD = "nbd";

  private static final String HOST = "host";
  private static final String PORT = "port";
  private static final String NAME = "name";
  private static final String READ_ONLY = "read-only";
  private static final String DRIVER = "driver";
  private static final String SESSION = "session";
  private static final String NODE = "node";
  private static final String FILE = "file";

  String encode() throws IOException {
    Properties fields = new Properties();
    fields.setProperty(HOST, target.host());
    fields.setProperty(PORT, Integer.toString(target.port()));
    fields.setProperty(NAME, target.name());
    fields.setProperty(READ_ONLY, Boolean.toString(readOnly));
    fields.setProperty(DRIVER, driver);
    fields.setProperty(SESSION, session);
    fields.setProperty(NODE, node);
    fields.setProperty(FILE, file);
    StringWriter text = new StringWriter();
    fields.store(text, null);
    return text.toString();
  }

  /**
   * What {@link #encode} made.
   *
   * @throws IOException if it is something else
   */
  static Device decode(int id, String text) throws IOException {
    Properties fields = new Properties();
    try {
      fields.load(new StringReader(text));
      Target target =
          new Target(
              field(fields, HOST), Integer.parseInt(field(fields, PORT)), field(fields, NAME));
      return new Device(
          id,
          target,
          Boolean.parseBoolean(field(fields, READ_ONLY)),
          fields.getProperty(DRIVER, LOOP), // releases before 0.2 had no other
          field(fields, NODE),
          field(fields, FILE),
          fields.getProperty(SESSION, ""));
    } catch (IllegalArgumentException e) {
      throw new IOException("what is remembered of device " + id + " makes no sense", e);
    }
  }

  private static String field(Properties fields, String name) {
    String value = fields.getProperty(name);
    if (value == null) {
      throw new IllegalArgumentException("no " + name);
    }
    return value;
  }
}
