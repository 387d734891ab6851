package io.sheepfs.fuse.tree;

import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A VDI as one opener has it. */
final class VolumeHandle extends OpenFile {

  private final VolumeFile file;
  private final Volume volume;
  private final OpenFlags flags;
  private final boolean keepsPages;
  private final MountCounters counters;

  VolumeHandle(
      VolumeFile file, Volume volume, OpenFlags flags, boolean keepsPages, MountCounters counters) {
    super(file);
    this.file = file;
    this.volume = volume;
    this.flags = flags;
    this.keepsPages = keepsPages;
    this.counters = counters;
  }

  @Override
  public boolean keepsPageCache() {
    return keepsPages;
  }

  @Override
  public int read(long offset, ByteBuffer dst) throws IOException {
    boolean done = false;
    try {
      int count = volume.read(offset, dst);
      counters.reads.increment();
      counters.readBytes.add(count);
      done = true;
      return count;
    } finally {
      countFailure(done);
    }
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    boolean done = false;
    try {
      int count = src.remaining();
      volume.write(offset, src);
      file.touch();
      if (flags.sync()) {
        volume.flush();
      }
      counters.writes.increment();
      counters.writtenBytes.add(count);
      done = true;
    } finally {
      countFailure(done);
    }
  }

  @Override
  public void flush() throws IOException {
    if (flags.write() && volume.isDirty()) {
      sync();
    }
  }

  @Override
  public void sync() throws IOException {
    boolean done = false;
    try {
      if (volume.isDirty()) {
        volume.flush();
      }
      counters.flushes.increment();
      done = true;
    } finally {
      countFailure(done);
    }
  }

  @Override
  public void punchHole(long offset, long length) throws IOException {
    volume.discard(offset, length);
    file.touch();
  }

  @Override
  public void zeroRange(long offset, long length, boolean keepSize) throws IOException {
    if (keepSize) {
      volume.discard(offset, length);
    } else {
      volume.zero(offset, length);
    }
    file.touch();
  }

  @Override
  public void preallocate(long endBytes) throws IOException {
    volume.ensureSize(endBytes);
    file.touch();
  }

  @Override
  public long nextData(long offset) throws IOException {
    return volume.nextData(offset);
  }

  @Override
  public long nextHole(long offset) throws IOException {
    return volume.nextHole(offset);
  }

  @Override
  public void release() throws IOException {
    file.closed(flags.write());
  }

  private void countFailure(boolean done) {
    if (!done) {
      counters.failures.increment();
    }
  }
}
