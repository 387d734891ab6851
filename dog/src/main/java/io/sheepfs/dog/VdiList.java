package io.sheepfs.dog;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi list}. */
@Command(name = "list", description = "Lists virtual disks and snapshots.")
final class VdiList extends DogCommand {

  private static final String HEADER =
      "  Name        Id    Size    Used  Shared    Creation time   VDI id  Copies  Tag  "
          + " Block Size Shift";

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  @Option(
      names = {"-o", "--oid"},
      paramLabel = "OID",
      description = "only those that refer to this data object")
  private @Nullable String oid;

  @Parameters(paramLabel = "NAME", arity = "0..1", description = "only this one")
  private @Nullable String name;

  VdiList(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    ObjectId object = oid == null ? null : dataObject(oid);
    List<VdiInfo> vdis = session.cluster().vdis().list();
    JsonArray rows = new JsonArray(session.out());
    if (!raw && !json) {
      session.out().println(HEADER);
    }
    for (VdiInfo vdi : vdis) {
      if (name != null && !name.equals(vdi.name().value())) {
        continue;
      }
      ObjectMap map;
      try {
        map = ObjectMap.read(session.cluster().objects(), vdi);
      } catch (SheepException e) {
        if (e.result() == ResultCode.NO_OBJ) {
          continue; // deleted since it was listed
        }
        throw e;
      }
      if (name == null && object != null && !map.refersTo(object)) {
        continue;
      }
      if (json) {
        rows.add(object(vdi, map));
      } else {
        session.out().println(row(session, vdi, map));
      }
    }
    if (json) {
      rows.end();
    }
    return ExitCode.SUCCESS;
  }

  private static ObjectId dataObject(String text) throws DogException {
    ObjectId object = objectId(text);
    if (!object.isData()) {
      throw DogException.failure("'" + text + "' is no data object");
    }
    return object;
  }

  private String row(Session session, VdiInfo vdi, ObjectMap map) {
    int id = vdi.isSnapshot() ? vdi.snapshotId() : 0;
    String size = ByteSize.show(vdi.sizeBytes(), raw);
    String own = ByteSize.show(map.ownBytes(), raw);
    String shared = ByteSize.show(map.sharedBytes(), raw);
    String tag = tag(vdi);
    return raw
        ? String.join(
            " ",
            kind(vdi, "="),
            escape(vdi.name().value()),
            Integer.toString(id),
            size,
            own,
            shared,
            Long.toString(vdi.created().getEpochSecond()),
            vdi.vid().toString(),
            Integer.toString(vdi.copies()),
            escape(tag),
            Integer.toString(vdi.blockSizeShift()))
        : String.format(
            Locale.ROOT,
            "%s %-8s %5d %7s %7s %7s %s  %7s %6d %13s %3d",
            kind(vdi, " "),
            vdi.name(),
            id,
            size,
            own,
            shared,
            new LocalTime(vdi.created(), session.environment().zone()).toMinutes(),
            vdi.vid(),
            vdi.copies(),
            tag,
            vdi.blockSizeShift());
  }

  private static JsonObject object(VdiInfo vdi, ObjectMap map) {
    return new JsonObject()
        .put("name", vdi.name().value())
        .put("kind", vdi.isSnapshot() ? "snapshot" : isClone(vdi) ? "clone" : "disk")
        .put("snapshot_id", vdi.isSnapshot() ? vdi.snapshotId() : 0)
        .put("tag", tag(vdi))
        .put("size", vdi.sizeBytes())
        .put("used", map.ownBytes())
        .put("shared", map.sharedBytes())
        .put("created", vdi.created().getEpochSecond())
        .put("vid", vdi.vid().toString())
        .put("copies", vdi.copies())
        .put("block_size_shift", vdi.blockSizeShift());
  }

  private static String kind(VdiInfo vdi, String ordinary) {
    return vdi.isSnapshot() ? "s" : isClone(vdi) ? "c" : ordinary;
  }

  private static boolean isClone(VdiInfo vdi) {
    return vdi.snapshotId() == 1 && vdi.parent() != null;
  }

  private static String tag(VdiInfo vdi) {
    SnapshotTag tag = vdi.tag();
    return vdi.isSnapshot() && tag != null ? tag.value() : "";
  }

  /** A name as one word: the original puts a backslash before spaces and backslashes. */
  private static String escape(String text) {
    return text.replace("\\", "\\\\").replace(" ", "\\ ");
  }
}
