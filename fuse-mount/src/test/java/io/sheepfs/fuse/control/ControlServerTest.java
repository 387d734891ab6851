package io.sheepfs.fuse.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlServerTest {

  @TempDir private Path folder;

  /** A mount that notes what it is told. */
  private static final class Told implements Controlled {

    private final BlockingQueue<Boolean> leaves = new LinkedBlockingQueue<>();
    private volatile boolean fails;

    @Override
    public String status() {
      return "a 1\nb 2\n";
    }

    @Override
    public String metrics() {
      return "c 3\n";
    }

    @Override
    public void flush() throws IOException {
      if (fails) {
        throw new IOException("two\nlines");
      }
    }

    @Override
    public void leaveDirty(boolean leave) {
      leaves.add(leave);
    }
  }

  private MountTable.Entry entry() throws IOException {
    return new MountTable.Entry("x", folder, MountTable.TYPE, RunDirectory.user());
  }

  @Test
  void requests_areAnswered() throws Exception {
    Told mount = new Told();
    try (ControlServer server = ControlServer.start(folder, mount)) {
      server.say("nobody hears this");
      try (ControlClient client = ControlClient.ask(entry(), "status")) {
        assertEquals("a 1", client.line());
        assertEquals("b 2", client.line());
        assertNull(client.line());
      }
      try (ControlClient client = ControlClient.ask(entry(), "metrics")) {
        assertEquals("c 3", client.line());
        assertNull(client.line());
      }
      try (ControlClient client = ControlClient.ask(entry(), "flush")) {
        assertEquals("OK", client.line());
      }
      mount.fails = true;
      try (ControlClient client = ControlClient.ask(entry(), "flush")) {
        assertEquals("ERROR two lines", client.line());
        assertNull(client.line());
      }
      try (ControlClient client = ControlClient.ask(entry(), "nonsense")) {
        assertEquals("ERROR unknown request", client.line());
      }
    }
    assertThrows(IOException.class, () -> ControlClient.ask(entry(), "status").close());
  }

  @Test
  void followers_hearTheProgressAndTheEnd_lateOnesToo() throws Exception {
    try (ControlServer server = ControlServer.start(folder, new Told());
        ControlClient client = ControlClient.ask(entry(), "follow")) {
      assertEquals("PID " + ProcessHandle.current().pid(), client.line());
      server.say("half of it");
      server.ended("because");
      assertEquals("half of it", client.line());
      assertEquals("ERROR because", client.line());
      assertNull(client.line());
      try (ControlClient late = ControlClient.ask(entry(), "follow")) {
        assertEquals("PID " + ProcessHandle.current().pid(), late.line());
        assertEquals("ERROR because", late.line());
      }
    }
  }

  @Test
  void noFlush_ofAnAskerThatGoesAwayBeforeTheEnd_isTakenBack() throws Exception {
    Told mount = new Told();
    try (ControlServer server = ControlServer.start(folder, mount)) {
      server.say("nobody hears this");
      try (ControlClient client = ControlClient.ask(entry(), "follow no-flush")) {
        client.line();
        assertEquals(true, mount.leaves.poll(60, TimeUnit.SECONDS));
      }
      assertEquals(false, mount.leaves.poll(60, TimeUnit.SECONDS));
    }
  }
}
