package io.sheepfs.dog;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code dog vdi object dump-inode}: for an inode that lies in the directory of a sheep. */
@Command(name = "dump-inode", description = "Shows what is in the file of an inode object.")
final class VdiObjectDumpInode extends DogCommand {

  private static final int REFERENCE_BYTES = 8;

  @Parameters(paramLabel = "FILE", description = "an object of a sheep's directory, 80...")
  private String file = "";

  VdiObjectDumpInode(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    ByteBuffer inode = read(file);
    InodeHeader header = InodeHeader.decode(inode.duplicate());
    PrintStream out = session.out();
    out.println("name: " + new String(header.name(), StandardCharsets.UTF_8));
    out.println("tag: " + new String(header.tag(), StandardCharsets.UTF_8));
    out.println("create_time: " + Long.toHexString(header.createTime()));
    out.println("snap_ctime: " + Long.toHexString(header.snapshotTime()));
    out.println("vm_clock_nsec: " + Long.toHexString(header.vmClockNanos()));
    out.println("vdi_size: " + Long.toUnsignedString(header.vdiSize()));
    out.println("vm_state_size: " + Long.toUnsignedString(header.vmStateSize()));
    out.println("copy_policy: " + header.copyPolicy());
    out.println("store_policy: " + header.storePolicy());
    out.println("nr_copies: " + header.copies());
    out.println("block_size_shift: " + header.blockSizeShift());
    out.println("snap_id: " + Integer.toUnsignedString(header.snapshotId()));
    out.println("vdi_id: " + Integer.toHexString(header.vdiId()));
    out.println("parent_vdi_id: " + Integer.toHexString(header.parentVdiId()));
    out.println("btree_counter: " + Integer.toUnsignedString(header.btreeCounter()));
    out.println("data_vdi_id:");
    for (int i = 0; i < InodeLayout.INDEX_ENTRIES; i++) {
      int owner = inode.getInt(InodeLayout.indexOffset(i));
      if (owner != 0) {
        out.println(i + ": " + Integer.toHexString(owner));
      }
    }
    out.println("gref:");
    for (int i = 0; i < InodeLayout.INDEX_ENTRIES; i++) {
      printReferences(out, inode, i);
    }
    return ExitCode.SUCCESS;
  }

  private static void printReferences(PrintStream out, ByteBuffer inode, int index) {
    int owner = inode.getInt(InodeLayout.indexOffset(index));
    int at = InodeLayout.REFERENCES + index * REFERENCE_BYTES;
    int generation = inode.getInt(at);
    int count = inode.getInt(at + Integer.BYTES);
    if (owner != 0) {
      out.println(index + ": " + Integer.toHexString(owner) + ", " + generation + ", " + count);
    } else if (generation != 0 || count != 0) {
      out.println(
          "WARNING: index "
              + index
              + " has no object, but references: generation "
              + generation
              + ", count "
              + count);
    }
  }

  private static ByteBuffer read(String file) throws DogException {
    try (InputStream in = Files.newInputStream(Path.of(file))) {
      byte[] bytes = in.readNBytes(InodeLayout.SIZE_BYTES);
      if (bytes.length < InodeLayout.HEADER_BYTES) {
        throw DogException.failure(
            "'" + file + "' is no inode object: it has only " + bytes.length + " bytes");
      }
      // a file may end before the object does: the rest is zeros
      return ByteBuffer.wrap(Arrays.copyOf(bytes, InodeLayout.SIZE_BYTES))
          .order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException | InvalidPathException e) {
      throw new DogException(
          ExitCode.FAILURE, "failed to open inode object file: " + e.getMessage(), e);
    }
  }
}
