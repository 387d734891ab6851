package io.sheepfs.store.server;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.cluster.Departures;
import java.nio.ByteBuffer;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The disks of a node of a cluster that come and go, each named after its opcode. */
final class DiskHandlers {

  private static final Logger log = LoggerFactory.getLogger(DiskHandlers.class);

  private static final int MAX_BODY_BYTES = 64 << 10;

  private final Departures disks;

  DiskHandlers(Departures disks) {
    this.disks = disks;
  }

  /** Something to do with disks. */
  private interface Change {
    void of(List<Path> paths) throws SheepException;
  }

  /** Adds disks, which have to be empty. */
  Answer mdPlug(Request request) throws SheepException {
    return change("plug", request, disks::plug);
  }

  /** Begins to move what is on some disks to the others. */
  Answer mdUnplug(Request request) throws SheepException {
    return change("unplug", request, disks::unplug);
  }

  private static Answer change(String what, Request request, Change change) throws SheepException {
    List<Path> paths = paths(request);
    try {
      change.of(paths);
    } catch (SheepException e) {
      log.warn("{} {} is refused", what, paths, e); // the original's dog points to the log
      throw e;
    }
    return Answer.SUCCESS;
  }

  /** The body: paths with commas in between, then NUL. */
  private static List<Path> paths(Request request) throws SheepException {
    if (request.bytes().remaining() > MAX_BODY_BYTES) {
      throw new SheepException(ResultCode.INVALID_PARMS, "paths that long");
    }
    ByteBuffer body = request.bytes();
    byte[] text = new byte[body.remaining()];
    body.get(text);
    int end = 0;
    while (end < text.length && text[end] != 0) {
      end++;
    }
    List<Path> paths = new ArrayList<>();
    for (String word : VdiHandlers.text(Arrays.copyOf(text, end)).split(",", -1)) {
      try {
        Path path = Path.of(word);
        if (word.isEmpty() || !path.isAbsolute()) {
          throw new SheepException(ResultCode.INVALID_PARMS, "'" + word + "' is not absolute");
        }
        paths.add(path);
      } catch (InvalidPathException e) {
        throw new SheepException(ResultCode.INVALID_PARMS, "no path", e);
      }
    }
    return paths;
  }
}
