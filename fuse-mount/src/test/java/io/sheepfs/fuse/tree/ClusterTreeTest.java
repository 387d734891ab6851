package io.sheepfs.fuse.tree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.fuse.tree.TreeException.Reason;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Fault;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class ClusterTreeTest {

  private static final OpenFlags WRITE = new OpenFlags(true, false, false, false, false);
  private static final OpenFlags EXCLUSIVE = new OpenFlags(true, false, true, false, false);
  private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000);

  private final MemoryCluster cluster = new MemoryCluster();
  private final ClusterTree tree = tree(false);

  private ClusterTree tree(boolean readOnly) {
    return new ClusterTree(
        cluster,
        false,
        new Ownership(10, 20, 077),
        readOnly,
        InstantSource.fixed(NOW),
        new MountSettings("on", "off", "somewhere:7000"));
  }

  private static Directory directory(ClusterTree tree, String... path) throws IOException {
    Directory at = tree.root();
    for (String name : path) {
      at = (Directory) at.lookup(name);
    }
    return at;
  }

  private Directory volumes() throws IOException {
    return directory(tree, "volume");
  }

  private static List<String> names(Directory directory) throws IOException {
    return directory.list().stream().map(Directory.Entry::name).toList();
  }

  private static void refused(Reason reason, Executable what) {
    assertEquals(reason, assertThrows(TreeException.class, what).reason());
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String read(OpenFile file, int count) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(count);
    int read = file.read(0, into);
    return new String(into.array(), 0, read, StandardCharsets.UTF_8);
  }

  private void make(String name, String content) throws IOException {
    OpenFile file = volumes().create(name, EXCLUSIVE);
    file.write(0, bytes(content));
    file.flush();
    file.release();
  }

  @Test
  void root_hasTheDirectoriesOfTheManual() throws Exception {
    assertEquals(
        List.of("volume", "snapshot", "vdi", "cluster", "node", "config", ".stats"),
        names(tree.root()));
    refused(Reason.NOT_FOUND, () -> tree.root().lookup("nothing"));
    refused(Reason.NOT_PERMITTED, () -> tree.root().create("file", WRITE));
    refused(Reason.NOT_PERMITTED, () -> tree.root().unlink("volume"));
  }

  @Test
  void volumes_madeElsewhere_comeAndGoByThemselves() throws Exception {
    assertEquals(List.of(), names(volumes()));
    cluster.vdis().create(new VdiName("b"), VdiSpec.ofSize(8 << 20));
    cluster.vdis().create(new VdiName("a"), VdiSpec.ofSize(0));
    assertEquals(List.of("a", "b"), names(volumes()));
    Node first = volumes().lookup("b");
    assertSame(first, volumes().lookup("b"));
    assertEquals(8 << 20, first.attributes().sizeBytes());
    assertEquals(0600, first.attributes().permissions());
    assertEquals(10, first.attributes().owner());
    assertEquals(20, first.attributes().group());
    cluster.vdis().delete(new VdiName("b"));
    assertThrows(SheepException.class, () -> volumes().lookup("b"));
    assertEquals(List.of("a"), names(volumes()));
    cluster.vdis().create(new VdiName("b"), VdiSpec.ofSize(0));
    assertNotSame(first, volumes().lookup("b"));
  }

  @Test
  void names_impossible_areNotFoundOrInvalid() throws Exception {
    String tooLong = "x".repeat(256);
    refused(Reason.NAME_TOO_LONG, () -> volumes().lookup(tooLong));
    refused(Reason.NAME_TOO_LONG, () -> volumes().create(tooLong, WRITE));
    make("y".repeat(255), "content");
  }

  @Test
  void create_exclusively_refusesOneThatIsThere() throws Exception {
    make("disk", "content");
    SheepException exists =
        assertThrows(SheepException.class, () -> volumes().create("disk", EXCLUSIVE));
    assertEquals(ResultCode.VDI_EXIST, exists.result());
    OpenFile again = volumes().create("disk", WRITE);
    assertEquals("content", read(again, 100));
    again.release();
  }

  @Test
  void write_touchesAndGrows_andCountsWhatHappened() throws Exception {
    OpenFile file = volumes().create("disk", EXCLUSIVE);
    file.write(100, bytes("abc"));
    assertEquals(103, file.file().attributes().sizeBytes());
    assertEquals(NOW, file.file().attributes().modified());
    file.sync();
    file.release();
    String metrics = tree.metrics();
    assertTrue(metrics.contains("written_bytes_total 3"), metrics);
    assertEquals(0, tree.openVolumes());
  }

  @Test
  void unlink_ofAnOpenVolume_hidesItAndDeletesAtTheLastClose() throws Exception {
    make("disk", "content");
    OpenFile reader = ((RegularFile) volumes().lookup("disk")).open(OpenFlags.READ);
    volumes().unlink("disk");
    refused(Reason.NOT_FOUND, () -> volumes().lookup("disk"));
    assertEquals(List.of(), names(volumes()));
    refused(Reason.BUSY, () -> volumes().create("disk", WRITE));
    assertEquals("content", read(reader, 100));
    cluster.vdis().lookup(new VdiName("disk"));
    reader.release();
    SheepException gone =
        assertThrows(SheepException.class, () -> cluster.vdis().lookup(new VdiName("disk")));
    assertEquals(ResultCode.NO_VDI, gone.result());
    make("disk", "another");
  }

  @Test
  void create_whileTheLastCloseOfARemovedOneIsOnItsWay_waitsForIt() throws Exception {
    make("disk", "content");
    OpenFile reader = ((RegularFile) volumes().lookup("disk")).open(OpenFlags.READ);
    volumes().unlink("disk");
    CompletableFuture<OpenFile> made = new CompletableFuture<>();
    Thread maker =
        new Thread(
            () -> {
              try {
                made.complete(volumes().create("disk", EXCLUSIVE));
              } catch (IOException e) {
                made.completeExceptionally(e);
              }
            });
    maker.start();
    try {
      while (maker.isAlive() && maker.getState() != Thread.State.TIMED_WAITING) {
        Thread.onSpinWait();
      }
    } finally {
      reader.release();
    }
    OpenFile file = made.get(60, TimeUnit.SECONDS);
    assertEquals(0, file.file().attributes().sizeBytes());
    file.release();
  }

  @Test
  void unlink_whenTheClusterRefuses_leavesTheVolume() throws Exception {
    make("disk", "content");
    cluster.setFault(Fault.failing(call -> call.operation() == Operation.DELETE, ResultCode.EIO));
    assertThrows(SheepException.class, () -> volumes().unlink("disk"));
    cluster.setFault(Fault.none());
    OpenFile file = ((RegularFile) volumes().lookup("disk")).open(OpenFlags.READ);
    assertEquals("content", read(file, 100));
    file.release();
  }

  @Test
  void lastClose_whoseFlushFails_keepsTheDataForTheNext() throws Exception {
    OpenFile file = volumes().create("disk", EXCLUSIVE);
    file.write(0, bytes("precious"));
    cluster.setFault(Fault.failing(call -> call.operation() == Operation.FLUSH, ResultCode.EIO));
    assertThrows(SheepException.class, file::flush);
    assertThrows(SheepException.class, file::release);
    assertEquals(1, tree.openVolumes(), "it stays open and locked");
    cluster.setFault(Fault.none());
    tree.flush();
    OpenFile again = ((RegularFile) volumes().lookup("disk")).open(OpenFlags.READ);
    assertEquals("precious", read(again, 100));
    again.release();
    assertEquals(0, tree.openVolumes());
  }

  @Test
  void snapshotAndClone_areMadeByCreatingAndLinking() throws Exception {
    make("disk", "before");
    Directory snapshots = directory(tree, "snapshot", "disk");
    snapshots.create("first", EXCLUSIVE).release();
    OpenFile file = ((RegularFile) volumes().lookup("disk")).open(WRITE);
    file.write(0, bytes("after!"));
    file.flush();
    file.release();
    SnapshotFile first = (SnapshotFile) snapshots.lookup("first");
    assertEquals(0400, first.attributes().permissions());
    OpenFile old = first.open(OpenFlags.READ);
    assertEquals("before", read(old, 6));
    refused(Reason.BUSY, () -> snapshots.unlink("first"));
    old.release();
    refused(Reason.READ_ONLY, () -> first.open(WRITE));
    volumes().link(first, "copy");
    OpenFile copy = ((RegularFile) volumes().lookup("copy")).open(OpenFlags.READ);
    assertEquals("before", read(copy, 6));
    copy.release();
    refused(Reason.NOT_PERMITTED, () -> volumes().link(volumes().lookup("copy"), "more"));
    assertEquals(List.of("first"), names(snapshots));
    snapshots.unlink("first");
    refused(Reason.NOT_FOUND, () -> snapshots.lookup("first"));
  }

  /**
   * close(2) returns before the kernel tells of the last close, so a snapshot can come meanwhile.
   */
  @Test
  void snapshot_duringTheLastClose_waitsForIt() throws Exception {
    OpenFile file = volumes().create("disk", EXCLUSIVE);
    file.write(0, bytes("content"));
    Directory snapshots = directory(tree, "snapshot", "disk");
    CompletableFuture<Void> flushing = new CompletableFuture<>();
    CompletableFuture<Void> flush = new CompletableFuture<>();
    cluster.setFault(
        Fault.failing(
            call -> {
              if (call.operation() == Operation.FLUSH) {
                flushing.complete(null);
                flush.join();
              }
              return false;
            },
            ResultCode.EIO));
    CompletableFuture<Void> closed = inBackground(file::release);
    flushing.get(10, TimeUnit.SECONDS);
    CompletableFuture<Thread> taker = new CompletableFuture<>();
    CompletableFuture<Void> taken =
        inBackground(
            () -> {
              taker.complete(Thread.currentThread());
              snapshots.create("first", EXCLUSIVE).release();
            });
    Thread thread = taker.get(10, TimeUnit.SECONDS);
    while (thread.getState() == Thread.State.RUNNABLE && !taken.isDone()) {
      Thread.onSpinWait();
    }
    flush.complete(null);
    closed.get(10, TimeUnit.SECONDS);
    taken.get(10, TimeUnit.SECONDS);
    OpenFile first = ((SnapshotFile) snapshots.lookup("first")).open(OpenFlags.READ);
    assertEquals("content", read(first, 7));
    first.release();
  }

  private static CompletableFuture<Void> inBackground(ThrowingRunnable what) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            what.run();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private interface ThrowingRunnable {
    void run() throws IOException;
  }

  @Test
  void rename_isAnotherDevice() throws Exception {
    make("disk", "content");
    refused(Reason.CROSS_DEVICE, () -> volumes().rename("disk", volumes(), "other"));
    assertThrows(SheepException.class, () -> volumes().rename("none", volumes(), "other"));
  }

  @Test
  void change_ofOwnerOrMode_isRefusedUnlessItIsNone() throws Exception {
    make("disk", "content");
    Node disk = volumes().lookup("disk");
    disk.change(new AttributeChange(null, 0600, 10, 20, null));
    refused(
        Reason.NOT_PERMITTED, () -> disk.change(new AttributeChange(null, 0644, null, null, null)));
    refused(
        Reason.NOT_PERMITTED, () -> disk.change(new AttributeChange(null, null, 11, null, null)));
    disk.change(new AttributeChange(3L, null, null, null, null));
    assertEquals(3, disk.attributes().sizeBytes());
    Instant earlier = NOW.minusSeconds(60);
    disk.change(new AttributeChange(null, null, null, null, earlier));
    assertEquals(earlier, disk.attributes().modified());
  }

  @Test
  void readOnlyTree_refusesEveryChange() throws Exception {
    make("disk", "content");
    ClusterTree fixed = tree(true);
    Directory volumes = directory(fixed, "volume");
    RegularFile disk = (RegularFile) volumes.lookup("disk");
    assertEquals(0400, disk.attributes().permissions());
    refused(Reason.READ_ONLY, () -> disk.open(WRITE));
    refused(Reason.READ_ONLY, () -> volumes.create("new", WRITE));
    refused(Reason.READ_ONLY, () -> volumes.unlink("disk"));
    refused(Reason.READ_ONLY, () -> disk.change(new AttributeChange(1L, null, null, null, null)));
    Directory snapshots = directory(fixed, "snapshot", "disk");
    refused(Reason.READ_ONLY, () -> snapshots.create("tag", WRITE));
    OpenFile reader = disk.open(OpenFlags.READ);
    assertEquals("content", read(reader, 100));
    reader.release();
  }

  @Test
  void secondWriterElsewhere_isBusy_andReadersAreNot() throws Exception {
    make("disk", "content");
    OpenFile writer = ((RegularFile) volumes().lookup("disk")).open(WRITE);
    writer.write(0, bytes("C"));
    ClusterTree other =
        new ClusterTree(
            cluster.newSession(),
            false,
            new Ownership(0, 0, 022),
            false,
            InstantSource.fixed(NOW),
            new MountSettings("on", "off", ""));
    RegularFile there = (RegularFile) directory(other, "volume").lookup("disk");
    SheepException busy = assertThrows(SheepException.class, () -> there.open(WRITE));
    assertEquals(ResultCode.VDI_LOCKED, busy.result());
    OpenFile reader = there.open(OpenFlags.READ);
    reader.release();
    writer.flush();
    writer.release();
    OpenFile next = there.open(WRITE);
    assertEquals("Content", read(next, 100));
    next.release();
  }

  /** Keeps what it is told to forget. */
  private static final class Forgotten implements KernelCache {
    private final List<Object> told = new ArrayList<>();

    @Override
    public void forgetContent(Node node) {
      told.add(node);
    }

    @Override
    public void forgetName(Directory parent, String name) {
      told.add(name);
    }
  }

  @Test
  void changesElsewhere_ofAnOpenVolume_areTakenOver_andTheKernelIsTold() throws Exception {
    make("disk", "content");
    ClusterTree other =
        new ClusterTree(
            cluster.newSession(),
            false,
            new Ownership(0, 0, 022),
            false,
            InstantSource.fixed(NOW),
            new MountSettings("on", "off", ""));
    RegularFile there = (RegularFile) directory(other, "volume").lookup("disk");
    OpenFile reader = there.open(OpenFlags.READ);
    Forgotten forgotten = new Forgotten();
    other.takeOverChanges(forgotten);
    assertEquals(List.of(), forgotten.told);

    volumes().lookup("disk").change(AttributeChange.size(1000));
    other.takeOverChanges(forgotten);
    assertEquals(List.of(there), forgotten.told);
    assertEquals(1000, there.attributes().sizeBytes());
    other.takeOverChanges(forgotten);
    assertEquals(List.of(there), forgotten.told);

    volumes().unlink("disk");
    other.takeOverChanges(forgotten);
    assertEquals(List.of(there, "disk"), forgotten.told);
    assertThrows(SheepException.class, () -> directory(other, "volume").lookup("disk"));
    other.takeOverChanges(forgotten);
    assertEquals(List.of(there, "disk"), forgotten.told);

    make("disk", "new");
    other.takeOverChanges(forgotten);
    assertEquals(List.of(there, "disk", there), forgotten.told);
    assertEquals(there, directory(other, "volume").lookup("disk"));
    assertEquals("new", read(reader, 100));
    reader.release();
  }

  @Test
  void pages_ofAVolumeThatOthersCanChange_areNotKeptWithoutMarks() throws Exception {
    make("disk", "content");
    OpenFile first = file("volume", "disk").open(OpenFlags.READ);
    OpenFile second = file("volume", "disk").open(OpenFlags.READ);
    assertFalse(second.keepsPageCache());
    first.release();
    second.release();
  }

  @Test
  void generatedFiles_tellOfClusterAndMount() throws Exception {
    make("disk", "content");
    assertEquals("disk\n", text("vdi", "mount"));
    assertTrue(text("vdi", "list").contains("disk"));
    assertEquals("on\n", text("config", "pagecache"));
    assertEquals("somewhere:7000\n", text("config", "sheep_info"));
    assertFalse(text("cluster", "info").isEmpty());
    assertTrue(text(".stats").contains("# TYPE"));
    OpenFile command = file("vdi", "unmount").open(WRITE);
    command.write(0, bytes("disk\n"));
    OpenFile open = ((RegularFile) volumes().lookup("disk")).open(OpenFlags.READ);
    refused(Reason.BUSY, () -> command.write(0, bytes("disk\n")));
    open.release();
    assertThrows(SheepException.class, () -> command.write(0, bytes("none\n")));
    refused(Reason.INVALID, () -> command.write(0, ByteBuffer.allocate(10_000)));
    command.release();
  }

  private RegularFile file(String... path) throws IOException {
    Directory at =
        directory(tree, List.of(path).subList(0, path.length - 1).toArray(String[]::new));
    return (RegularFile) at.lookup(path[path.length - 1]);
  }

  private String text(String... path) throws IOException {
    OpenFile file = file(path).open(OpenFlags.READ);
    String text = read(file, 10_000);
    file.release();
    return text;
  }

  @Test
  void openFlags_ofLinux_areTakenApart() {
    int create = 0100;
    int append = 02000;
    assertEquals(OpenFlags.READ, OpenFlags.ofLinux(0));
    assertEquals(WRITE, OpenFlags.ofLinux(1 | create | append));
    assertEquals(WRITE, OpenFlags.ofLinux(2));
    assertEquals(
        new OpenFlags(true, true, true, false, false), OpenFlags.ofLinux(2 | 01000 | 0200));
    assertTrue(OpenFlags.ofLinux(04010000).sync());
    assertTrue(OpenFlags.ofLinux(010000).sync());
    assertFalse(OpenFlags.ofLinux(04000).sync());
  }
}
