package io.sheepfs.protocol.faulty;

import static io.sheepfs.protocol.faulty.FaultyFileSystem.real;

import io.sheepfs.protocol.faulty.FaultPlan.Call;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.spi.FileSystemProvider;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The calls of a {@link FaultyFileSystem}. */
final class FaultyProvider extends FileSystemProvider {

  private final FaultyFileSystem files;
  private final FileSystemProvider next;
  private final FaultPlan plan;
  private final Consumer<Path> forced;

  FaultyProvider(
      FaultyFileSystem files, FileSystemProvider next, FaultPlan plan, Consumer<Path> forced) {
    this.files = files;
    this.next = next;
    this.plan = plan;
    this.forced = forced;
  }

  private void count(Call call, Path path) throws IOException {
    boolean unused = plan.next(call, real(path));
  }

  @Override
  public String getScheme() {
    return "faulty";
  }

  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> env) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Path getPath(URI uri) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileChannel newFileChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    boolean creates =
        options.contains(StandardOpenOption.CREATE)
            || options.contains(StandardOpenOption.CREATE_NEW);
    count(creates ? Call.CREATE : Call.OPEN, path);
    FileChannel channel = next.newFileChannel(real(path), options, attributes);
    return new FaultyChannel(channel, real(path), plan, forced);
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return newFileChannel(path, options, attributes);
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path dir, DirectoryStream.Filter<? super Path> filter) throws IOException {
    count(Call.LIST, dir);
    DirectoryStream<Path> names =
        next.newDirectoryStream(real(dir), name -> filter.accept(files.at(name)));
    return new DirectoryStream<>() {
      @Override
      public Iterator<Path> iterator() {
        Iterator<Path> each = names.iterator();
        try {
          count(Call.LIST, dir);
        } catch (IOException e) {
          throw new DirectoryIteratorException(e);
        }
        return new Iterator<>() {
          @Override
          public boolean hasNext() {
            return each.hasNext();
          }

          @Override
          public Path next() {
            return files.at(each.next());
          }
        };
      }

      @Override
      public void close() throws IOException {
        names.close();
      }
    };
  }

  @Override
  public void createDirectory(Path dir, FileAttribute<?>... attributes) throws IOException {
    count(Call.MAKE_DIRECTORY, dir);
    next.createDirectory(real(dir), attributes);
  }

  @Override
  public void delete(Path path) throws IOException {
    count(Call.DELETE, path);
    next.delete(real(path));
  }

  @Override
  public void copy(Path source, Path target, CopyOption... options) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void move(Path source, Path target, CopyOption... options) throws IOException {
    count(Call.RENAME, target);
    next.move(real(source), real(target), options);
  }

  @Override
  public boolean isSameFile(Path path, Path path2) throws IOException {
    return next.isSameFile(real(path), real(path2));
  }

  @Override
  public boolean isHidden(Path path) throws IOException {
    return next.isHidden(real(path));
  }

  @Override
  public FileStore getFileStore(Path path) throws IOException {
    count(Call.STAT, path);
    return next.getFileStore(real(path));
  }

  @Override
  public void checkAccess(Path path, AccessMode... modes) throws IOException {
    count(Call.STAT, path);
    next.checkAccess(real(path), modes);
  }

  @Override
  public <V extends FileAttributeView> @Nullable V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return next.getFileAttributeView(real(path), type, options);
  }

  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    count(Call.STAT, path);
    return next.readAttributes(real(path), type, options);
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... options)
      throws IOException {
    count(Call.STAT, path);
    return next.readAttributes(real(path), attributes, options);
  }

  @Override
  public void setAttribute(Path path, String attribute, Object value, LinkOption... options)
      throws IOException {
    next.setAttribute(real(path), attribute, value, options);
  }
}
