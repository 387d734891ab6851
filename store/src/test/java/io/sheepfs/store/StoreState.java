package io.sheepfs.store;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/** All of a store as text, to compare what two have: VDIs, indexes, contents, files. */
final class StoreState {

  private static final int ENTRIES = 64;

  private StoreState() {}

  /** The first 64 objects of each VDI, of each its first 16 bytes; and the names of all files. */
  static String of(LocalSheep sheep) throws IOException {
    StringBuilder text = new StringBuilder();
    TreeSet<String> referred = new TreeSet<>();
    for (VdiInfo vdi : sheep.vdis().list()) {
      text.append(vdi).append('\n');
      ByteBuffer index = ByteBuffer.allocate(ENTRIES * 4).order(ByteOrder.LITTLE_ENDIAN);
      sheep.objects().read(ObjectId.inode(vdi.vid()), InodeLayout.INDEX, index);
      for (int i = 0; i < ENTRIES; i++) {
        int owner = index.getInt(i * 4);
        if (owner != 0) {
          ObjectId oid = ObjectId.data(new VdiId(owner), i);
          ByteBuffer content = ByteBuffer.allocate(16);
          sheep.objects().read(oid, 0, content);
          referred.add(oid.toString());
          text.append("  ").append(oid).append(' ');
          text.append(Arrays.toString(content.array())).append('\n');
        }
      }
    }
    text.append("files ").append(files(sheep.root()));
    TreeSet<String> data = new TreeSet<>();
    for (ObjectId oid : sheep.objects().list()) {
      if (oid.isData()) {
        data.add(oid.toString());
      }
    }
    data.removeAll(referred);
    text.append("\nleaks ").append(data);
    return text.toString();
  }

  private static List<String> files(Path root) throws IOException {
    try (var paths = Files.walk(root)) {
      return paths.filter(Files::isRegularFile).map(Path::toString).sorted().toList();
    }
  }
}
