package io.sheepfs.store.vdi;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.Journal;
import io.sheepfs.store.object.ObjectFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Changes on the disk of one node, by its {@link Journal}; staged copies are temporary files. */
public final class LocalInodeChanges implements InodeChanges {

  private final ObjectFiles files;
  private final Disk disk;
  private final Journal journal;
  private final InodeCopy inodeCopy;

  /** The changes of {@code files}. */
  public LocalInodeChanges(ObjectFiles files, Disk disk, Journal journal) {
    this.files = files;
    this.disk = disk;
    this.journal = journal;
    this.inodeCopy = new InodeCopy(files, disk);
  }

  @Override
  public Path stageInode(ObjectId inode, InodeHeader header, ObjectId source)
      throws SheepException {
    return inodeCopy.write(inode, header, source);
  }

  @Override
  public Path stagePrefix(ObjectId oid, ObjectId source, long sizeBytes) throws SheepException {
    return files.temporaryCopy(oid, source, sizeBytes);
  }

  @Override
  public void install(Path staged, ObjectId oid) throws SheepException {
    try {
      disk.rename(staged, files.file(oid));
    } catch (IOException e) {
      throw disk.failure("creation of inode " + oid, e);
    }
    files.replacedFromOutside(oid);
    files.forceNames();
  }

  @Override
  public void discard(Path staged) {
    disk.cleanUp(staged);
  }

  @Override
  public void commit(List<Journal.Step> steps) throws SheepException {
    journal.commit(steps);
    for (Journal.Step step : steps) {
      if (step instanceof Journal.Rename rename) {
        files.replacedFromOutside(rename.oid());
      }
    }
  }

  @Override
  public boolean isBroken() {
    return journal.isBroken();
  }
}
