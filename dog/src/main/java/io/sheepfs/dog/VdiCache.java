package io.sheepfs.dog;

import io.sheepfs.protocol.ObjectCacheRecord;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi cache ...}: the object cache of the node that is asked. */
final class VdiCache {

  private VdiCache() {}

  /** The refusal of a node without an object cache. */
  private static DogException noCache(String endpoint) {
    return DogException.failure(
        "The sheep at "
            + endpoint
            + " has no object cache. Mounts have their own: see config/objectcache there");
  }

  /** The result of a request about the cache. */
  static Reply checked(Reply reply, String endpoint, String what)
      throws SheepException, DogException {
    return switch (reply.result()) {
      case INVALID_PARMS, NO_SUPPORT -> throw noCache(endpoint);
      default -> reply.orThrow(what);
    };
  }

  /** What is cached. */
  @Command(name = "info", description = "Shows what a node's object cache has.")
  static final class Info extends DogCommand {

    @Option(
        names = {"-r", "--raw"},
        description = RAW)
    private boolean raw;

    @Option(
        names = {"--json"},
        description = JSON)
    private boolean json;

    Info(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws IOException, DogException {
      Reply reply =
          session
              .sheep()
              .ask(Opcode.GET_CACHE_INFO, new RequestFields.None(), ObjectCacheRecord.SIZE_BYTES);
      ObjectCacheRecord cache =
          ObjectCacheRecord.decode(checked(reply, endpoint(), "ask for the cache").body());
      Map<VdiId, VdiInfo> vdis = new HashMap<>();
      session.cluster().vdis().list().forEach(vdi -> vdis.put(vdi.vid(), vdi));
      PrintStream out = session.out();
      JsonArray rows = new JsonArray(out);
      if (!raw && !json) {
        out.println("Name\tTag\tTotal\tDirty\tClean");
      }
      for (ObjectCacheRecord.CachedVdi cached : cache.caches()) {
        VdiInfo vdi = vdis.get(new VdiId(cached.vid()));
        if (vdi != null) {
          print(out, rows, vdi, cached);
        }
      }
      if (json) {
        rows.end();
      } else {
        out.println(
            "\nCache size "
                + ByteSize.show(cache.sizeBytes(), raw)
                + ", used "
                + ByteSize.show(cache.usedBytes(), raw)
                + ", "
                + (cache.directIo() ? "directio" : "non-directio"));
      }
      return ExitCode.SUCCESS;
    }

    private void print(
        PrintStream out, JsonArray rows, VdiInfo vdi, ObjectCacheRecord.CachedVdi cached) {
      SnapshotTag tag = vdi.tag();
      String tagText = tag == null ? "" : tag.value();
      long total = cached.totalObjects() * vdi.objectSizeBytes();
      long dirty = cached.dirtyObjects() * vdi.objectSizeBytes();
      if (json) {
        rows.add(
            new JsonObject()
                .put("name", vdi.name().value())
                .put("tag", tagText)
                .put("vid", vdi.vid().toString())
                .put("total", total)
                .put("dirty", dirty));
        return;
      }
      out.println(
          String.join(
              "\t",
              vdi.name().value(),
              tagText,
              ByteSize.show(total, raw),
              ByteSize.show(dirty, raw),
              ByteSize.show(total - dirty, raw)));
    }
  }

  /** Writes what is dirty to the cluster. */
  @Command(name = "flush", description = "Makes what was written to a virtual disk durable.")
  static final class Flush extends DogCommand {

    @Mixin private final VdiArgument argument = new VdiArgument();

    Flush(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws IOException, DogException {
      // a sheep without a cache has nothing to push: each of its writes is durable at once
      session.cluster().objects().flush(argument.find(session).vid());
      return ExitCode.SUCCESS;
    }
  }

  /** Drops cached objects, and with them what was not flushed. */
  @Command(
      name = "purge",
      description = "Drops what a node has cached of a virtual disk, or of all.")
  static final class Purge extends DogCommand {

    @Option(
        names = {"-s", "--snapshot"},
        paramLabel = "SNAPSHOT",
        description = SNAPSHOT)
    private @Nullable String snapshot;

    @Option(
        names = {"-f", "--force"},
        description = FORCE)
    private boolean force;

    @Parameters(paramLabel = "NAME", arity = "0..1", description = "(default: all)")
    private @Nullable String name;

    Purge(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws IOException, DogException {
      VdiReference vdi = name == null ? null : new VdiReference(name(name), snapshot(snapshot));
      if (!force
          && !confirm(
              session,
              "Caution! What was not flushed is lost.\nAre you sure you want to continue?")) {
        return ExitCode.SUCCESS;
      }
      ObjectId inode = vdi == null ? null : ObjectId.inode(session.find(vdi).vid());
      Reply reply =
          inode == null
              ? session.sheep().order(Opcode.CACHE_PURGE)
              : session
                  .sheep()
                  .call(
                      Opcode.CACHE_PURGE,
                      RequestFlags.WRITE,
                      RequestFields.Obj.of(inode, 0),
                      null,
                      0);
      checked(reply, endpoint(), "drop the cache");
      return ExitCode.SUCCESS;
    }
  }

  /** Drops cached objects on all nodes. */
  @Command(name = "delete", description = "Drops what all nodes have cached of a virtual disk.")
  static final class Delete extends DogCommand {

    @Mixin private final VdiArgument argument = new VdiArgument();

    Delete(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws IOException, DogException {
      ObjectId inode = ObjectId.inode(argument.find(session).vid());
      Reply reply = session.sheep().ask(Opcode.DELETE_CACHE, RequestFields.Obj.of(inode, 0), 0);
      if (reply.result() != ResultCode.SUCCESS) {
        checked(reply, endpoint(), "drop the cache");
      }
      return ExitCode.SUCCESS;
    }
  }
}
