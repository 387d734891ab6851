package io.sheepfs.store.vdi;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.ObjectFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * Makes the inode of a VDI that starts with the index of another: a file, forced, not yet named.
 */
final class InodeCopy {

  private static final int CHUNK_BYTES = 1 << 16;

  private final ObjectFiles files;
  private final Disk disk;

  InodeCopy(ObjectFiles files, Disk disk) {
    this.files = files;
    this.disk = disk;
  }

  /** Writes {@code header} and the index of {@code source}; holes of the index stay holes. */
  Path write(ObjectId inode, InodeHeader header, ObjectId source) throws SheepException {
    Path temporary = files.temporaryFor(inode);
    boolean done = false;
    try {
      try (FileChannel channel = disk.createNew(temporary)) {
        disk.write(channel, temporary, 0, header.encode());
        copyIndex(source, channel, temporary);
        disk.force(channel, temporary);
        done = true;
      } finally {
        if (!done) {
          disk.cleanUp(temporary);
        }
      }
    } catch (IOException e) {
      throw disk.failure("creation of inode " + inode, e);
    }
    return temporary;
  }

  private void copyIndex(ObjectId source, FileChannel channel, Path temporary) throws IOException {
    long end = Math.min(files.storedBytes(source), InodeLayout.REFERENCES);
    ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);
    ByteBuffer zeros = ByteBuffer.allocateDirect(CHUNK_BYTES);
    for (long at = InodeLayout.INDEX; at < end; at += CHUNK_BYTES) {
      chunk.clear().limit((int) Math.min(CHUNK_BYTES, end - at));
      files.read(source, at, chunk);
      chunk.flip();
      if (!chunk.equals(zeros.clear().limit(chunk.limit()))) {
        disk.write(channel, temporary, at, chunk);
      }
    }
  }
}
