package io.sheepfs.fuse;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The options behind {@code -o}, as mount(8) and fstab(5) spell them. */
final class MountOptionList {

  private static final Set<String> FLAGS =
      Set.of(
          "ro",
          "rw",
          "allow_other",
          "no-flush",
          "read-only",
          "debug",
          "cache-direct-io",
          "cache-dsync");
  private static final Set<String> VALUES =
      Set.of(
          "uid",
          "gid",
          "umask",
          "store",
          "address",
          "port",
          "pagecache",
          "transport",
          "log-file",
          "timeout",
          "tls",
          "metrics",
          "slow-request",
          "log-format",
          "cache-mode",
          "cache-dir",
          "cache-size",
          "cache-free-space",
          "cache-max-dirty",
          "cache-dirty-age",
          "warm");

  /** What mount(8), systemd and libfuse users write without meaning us; or a name and a value. */
  private static final Set<String> IGNORED =
      Set.of(
          "defaults",
          "auto",
          "noauto",
          "user",
          "nouser",
          "users",
          "owner",
          "group",
          "_netdev",
          "nofail",
          "suid",
          "nosuid",
          "dev",
          "nodev",
          "exec",
          "noexec",
          "sync",
          "dirsync",
          "silent",
          "loud",
          "mand",
          "nomand",
          "lazytime",
          "nolazytime",
          "strictatime",
          "nostrictatime",
          "diratime",
          "nodiratime",
          "iversion",
          "noiversion",
          "nogroup",
          "noowner",
          "nousers",
          "_rnetdev",
          "async",
          "atime",
          "noatime",
          "relatime",
          "norelatime",
          "default_permissions",
          "big_writes");

  /** Likewise, with a value: mount(8) turns {@code user} into {@code user=NAME}. */
  private static final Set<String> FOREIGN_VALUES = Set.of("user", "comment", "helper", "uhelper");

  private final Map<String, String> options;

  private MountOptionList(Map<String, String> options) {
    this.options = options;
  }

  /**
   * Takes the lists apart; of options that contradict each other the last one counts.
   *
   * @throws IllegalArgumentException with a message for the user
   */
  static MountOptionList parse(List<String> lists) {
    Map<String, String> options = new HashMap<>();
    for (String list : lists) {
      for (String option : list.split(",", -1)) {
        int equals = option.indexOf('=');
        String name = equals < 0 ? option : option.substring(0, equals);
        if (option.isEmpty() || isForeign(option, name)) {
          continue;
        }
        if (equals < 0 && FLAGS.contains(name)) {
          options.remove(name.equals("ro") ? "rw" : name.equals("rw") ? "ro" : "");
          options.put(name, "");
        } else if (equals > 0 && VALUES.contains(name)) {
          options.put(name, option.substring(equals + 1));
        } else {
          throw new IllegalArgumentException("unknown mount option: " + option);
        }
      }
    }
    return new MountOptionList(options);
  }

  private static boolean isForeign(String option, String name) {
    return IGNORED.contains(option)
        || option.startsWith("x-")
        || option.startsWith("X-")
        || (option.length() > name.length() && FOREIGN_VALUES.contains(name));
  }

  boolean has(String flag) {
    return options.containsKey(flag);
  }

  String text(String name, String otherwise) {
    return options.getOrDefault(name, otherwise);
  }

  @Nullable String textOrNull(String name, @Nullable String otherwise) {
    String value = options.get(name);
    return value == null ? otherwise : value;
  }

  @Nullable Path path(String name, @Nullable Path otherwise) {
    String value = options.get(name);
    return value == null ? otherwise : Path.of(value);
  }

  int number(String name, int otherwise, int radix) {
    Integer number = numberOrNull(name, radix);
    return number == null ? otherwise : number;
  }

  @Nullable Integer numberOrNull(String name, int radix) {
    String value = options.get(name);
    if (value == null) {
      return null;
    }
    try {
      return Integer.parseUnsignedInt(value, radix);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("not a number: " + name + "=" + value, e);
    }
  }
}
