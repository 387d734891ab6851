package io.sheepfs.fuse.tree;

import io.sheepfs.cache.ObjectCache;
import io.sheepfs.cache.coherence.CachedCluster;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.telemetry.MetricList;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The tree of a cluster:
 *
 * <pre>
 * volume/NAME                       a VDI
 * snapshot/NAME/TAG                 a snapshot
 * vdi/{list,mount,unmount}          cluster/info          node/{list,info}
 * config/{pagecache,objectcache,sheep_info}               .stats
 * </pre>
 *
 * <p>Safe for any number of threads.
 */
public final class ClusterTree implements FileTree {

  private static final int BLOCK_BYTES = 4096;

  final Cluster cluster;
  final Ownership ownership;
  final boolean readOnly;
  final InstantSource clock;

  /** Whether nobody can change the cluster but through this tree. */
  final boolean alone;

  final Instant mounted;
  final MountCounters counters = new MountCounters();

  /** The object cache; null if there is none. */
  final @Nullable ObjectCache cache;

  private final VolumesDirectory volumes;
  private final CacheReports caches;
  private final Directory root;

  /**
   * A tree.
   *
   * @param alone whether nobody can change the cluster but through this tree
   * @param readOnly whether nothing in it can be changed
   * @param settings what config/ shows
   */
  public ClusterTree(
      Cluster cluster,
      boolean alone,
      Ownership ownership,
      boolean readOnly,
      InstantSource clock,
      MountSettings settings) {
    this.cluster = cluster;
    this.alone = alone;
    this.ownership = ownership;
    this.readOnly = readOnly;
    this.clock = clock;
    this.mounted = clock.instant();
    this.cache = cluster instanceof CachedCluster cached ? cached.cache() : null;
    this.volumes = new VolumesDirectory(this);
    ClusterReports reports = new ClusterReports(cluster);
    this.caches = CacheReports.of(cluster);
    this.root =
        fixed(
            entry("volume", volumes),
            entry("snapshot", new SnapshotsDirectory(this, volumes)),
            entry(
                "vdi",
                fixed(
                    entry("list", report(reports::vdiList)),
                    entry("mount", new CommandFile(this, volumes::names, volumes::check)),
                    entry("unmount", new CommandFile(this, () -> "", volumes::checkClosed)))),
            entry("cluster", fixed(entry("info", report(reports::clusterInfo)))),
            entry(
                "node",
                fixed(
                    entry("list", report(reports::nodeList)),
                    entry("info", report(reports::nodeInfo)))),
            entry(
                "config",
                fixed(
                    entry("pagecache", report(() -> settings.pageCache() + "\n")),
                    entry(
                        "objectcache",
                        new CommandFile(
                            this, () -> caches.text(settings.objectCache()), caches::command)),
                    entry("sheep_info", report(() -> settings.sheep() + "\n")))),
            entry(".stats", report(this::metrics)));
  }

  private static Directory.Entry entry(String name, Node node) {
    return new Directory.Entry(name, node);
  }

  private Directory fixed(Directory.Entry... entries) {
    return new FixedDirectory(this, List.of(entries));
  }

  private RegularFile report(GeneratedFile.Content content) {
    return new GeneratedFile(this, content);
  }

  @Override
  public Directory root() {
    return root;
  }

  @Override
  public Space space() throws SheepException {
    return cluster.space();
  }

  @Override
  public int blockSizeBytes() {
    return BLOCK_BYTES;
  }

  /**
   * Makes durable all that was written through the tree before the call.
   *
   * @throws IOException if something could not be saved; the rest was
   */
  public void flush() throws IOException {
    volumes.flush();
  }

  /**
   * Looks whether others have changed what is open here: takes it over, and has the kernel forget
   * what it knows. To be called again and again, by a thread that gives no answers; what is not
   * open is looked at anew by whoever asks for it.
   */
  public void takeOverChanges(KernelCache kernel) {
    volumes.takeOverChanges(kernel);
  }

  /** What the mount counts, in the text format of Prometheus. */
  public String metrics() {
    return numbers().text();
  }

  /** What the mount counts. */
  public MetricList numbers() {
    MetricList list = new MetricList();
    counters.addTo(list, volumes.openCount());
    caches.addTo(list);
    return list.process();
  }

  /** Whether nobody can change the cluster but through this tree. */
  public boolean isAlone() {
    return alone;
  }

  /** How many volumes are open. */
  public int openVolumes() {
    return volumes.openCount();
  }

  /**
   * Makes durable all that was written through the tree, and lets all locks go. For the end of the
   * mount: nothing must be under way.
   *
   * @throws IOException if something could not be saved; the rest was
   */
  public void close() throws IOException {
    volumes.close(true);
  }

  /**
   * Lets all locks go without making anything durable: what was written is as after the death of
   * the process. For the end of the mount, as {@link #close}.
   */
  public void abandon() throws IOException {
    volumes.close(false);
  }

  Attributes directoryAttributes() {
    return new Attributes(
        true,
        ownership.directoryMode(),
        ownership.user(),
        ownership.group(),
        BLOCK_BYTES,
        0,
        mounted,
        mounted);
  }
}
