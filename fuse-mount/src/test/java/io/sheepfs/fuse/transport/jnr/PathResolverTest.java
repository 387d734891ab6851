package io.sheepfs.fuse.transport.jnr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sheepfs.fuse.tree.Attributes;
import io.sheepfs.fuse.tree.Directory;
import io.sheepfs.fuse.tree.Node;
import io.sheepfs.fuse.tree.OpenFile;
import io.sheepfs.fuse.tree.OpenFlags;
import io.sheepfs.fuse.tree.RegularFile;
import io.sheepfs.fuse.tree.TreeException;
import io.sheepfs.fuse.tree.TreeException.Reason;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PathResolverTest {

  private static final String HIDDEN = "/volume/.fuse_hidden0000000200000001";

  private final File file = new File();
  private final Folder volume = new Folder(Map.of("a", file));
  private final Folder root = new Folder(Map.of("volume", volume));
  private final PathResolver paths = new PathResolver(root);

  @Test
  void node_atEachDepth_isTheTreesOwn() throws IOException {
    assertSame(root, paths.node("/"));
    assertSame(volume, paths.node("/volume"));
    assertSame(file, paths.node("/volume/a"));
  }

  @Test
  void node_thatIsNotThere_isRefused() {
    assertThrows(TreeException.class, () -> paths.node("/volume/b"));
    assertThrows(TreeException.class, () -> paths.node("/b/a"));
  }

  @Test
  void node_belowAFile_isRefused() {
    assertThrows(Callbacks.Refusal.class, () -> paths.node("/volume/a/b"));
    assertThrows(Callbacks.Refusal.class, () -> paths.directory("/volume/a"));
  }

  @Test
  void parent_ofAPath_isTheDirectoryOfItsLastName() throws IOException {
    assertSame(root, paths.parent("/new"));
    assertSame(volume, paths.parent("/volume/new"));
    assertEquals("new", PathResolver.name("/volume/new"));
  }

  @Test
  void hide_anOpenFile_leavesItUnderTheHiddenNameAlone() throws IOException {
    paths.hide("/volume/a", HIDDEN);

    assertThrows(TreeException.class, () -> paths.node("/volume/a"));
    assertSame(file, paths.node(HIDDEN));
    assertEquals(List.of(), volume.list());
  }

  @Test
  void unlink_ofAHiddenName_endsItWithoutTouchingTheTree() throws IOException {
    paths.hide("/volume/a", HIDDEN);
    File successor = new File();
    volume.nodes.put("a", successor);

    paths.unlink(HIDDEN);

    assertThrows(TreeException.class, () -> paths.node(HIDDEN));
    assertSame(successor, paths.node("/volume/a"));
  }

  @Test
  void hide_thatTheTreeRefuses_changesNothing() throws IOException {
    volume.refuses = true;

    assertThrows(TreeException.class, () -> paths.hide("/volume/a", HIDDEN));

    assertThrows(TreeException.class, () -> paths.node(HIDDEN));
    assertSame(file, paths.node("/volume/a"));
  }

  private static final class Folder extends Directory {

    private final Map<String, Node> nodes;
    private boolean refuses;

    Folder(Map<String, Node> nodes) {
      this.nodes = new TreeMap<>(nodes);
    }

    @Override
    public Node lookup(String name) throws IOException {
      Node node = nodes.get(name);
      if (node == null) {
        throw new TreeException(Reason.NOT_FOUND, name);
      }
      return node;
    }

    @Override
    public List<Entry> list() {
      return nodes.entrySet().stream().map(e -> new Entry(e.getKey(), e.getValue())).toList();
    }

    @Override
    public void unlink(String name) throws IOException {
      lookup(name);
      if (refuses) {
        throw new TreeException(Reason.BUSY, name);
      }
      nodes.remove(name);
    }

    @Override
    public Attributes attributes() {
      throw new AssertionError("not asked for");
    }
  }

  private static final class File extends RegularFile {

    @Override
    public OpenFile open(OpenFlags flags) {
      throw new AssertionError("not asked for");
    }

    @Override
    public Attributes attributes() {
      throw new AssertionError("not asked for");
    }
  }
}
