package io.sheepfs.store.object;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Objects;
import java.util.Set;

/** Objects of which some cannot be read. */
public final class BadSectors {

  private BadSectors() {}

  /**
   * {@code files}, but for reads of {@code unreadable}, which give EIO.
   *
   * @param unreadable may change at any time
   */
  public static NodeObjects in(NodeObjects files, Set<ObjectId> unreadable) {
    return (NodeObjects)
        Proxy.newProxyInstance(
            NodeObjects.class.getClassLoader(),
            new Class<?>[] {NodeObjects.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("read") && unreadable.contains(arguments[0])) {
                throw new SheepException(ResultCode.EIO, "read of " + arguments[0]);
              }
              try {
                return method.invoke(files, arguments);
              } catch (InvocationTargetException e) {
                throw Objects.requireNonNull(e.getCause());
              }
            });
  }
}
