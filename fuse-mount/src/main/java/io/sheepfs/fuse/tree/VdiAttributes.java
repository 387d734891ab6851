package io.sheepfs.fuse.tree;

import io.sheepfs.fuse.tree.TreeException.Reason;
import io.sheepfs.protocol.VdiInfo;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The extended attributes of a VDI or snapshot: {@code user.sheepdog.*}, as text. */
final class VdiAttributes {

  private static final String PREFIX = "user.sheepdog.";

  static final List<String> NAMES =
      List.of(
          PREFIX + "vid",
          PREFIX + "copies",
          PREFIX + "block_size",
          PREFIX + "snapshot_id",
          PREFIX + "parent",
          PREFIX + "dirty");

  private VdiAttributes() {}

  static byte[] value(String name, VdiInfo vdi, long dirty) throws TreeException {
    String key = name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : "";
    String value =
        switch (key) {
          case "vid" -> vdi.vid().toString();
          case "copies" -> Integer.toString(vdi.copies());
          case "block_size" -> Long.toString(vdi.objectSizeBytes());
          case "snapshot_id" -> Integer.toString(vdi.snapshotId());
          case "parent" -> vdi.parent() == null ? "" : vdi.parent().toString();
          case "dirty" -> Long.toString(dirty);
          default -> throw new TreeException(Reason.NO_ATTRIBUTE, name);
        };
    return value.getBytes(StandardCharsets.UTF_8);
  }
}
