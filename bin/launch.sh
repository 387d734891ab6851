# Shared by the launchers beside it, which source it: finds Java and the jars, and knows how to run
# a class in the foreground and in the background. $here is the launcher, its links followed.

PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
export PATH

# In the locale C, which cron and env -i give, Java would take names for ASCII and spoil all others.
case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
  '' | C | POSIX)
    LC_ALL=C.UTF-8
    export LC_ALL
    ;;
esac

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 2
}

# Whether $1 is a Java 17 or later; sets java_version.
is_java() {
  [ -x "$1" ] || return 1
  home=$(dirname "$(dirname "$(readlink -f "$1")")")
  java_version=
  if [ -r "$home/release" ]; then
    java_version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release")
  fi
  if [ -z "$java_version" ]; then
    java_version=$("$1" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  fi
  [ -n "$java_version" ] && [ "$java_version" -ge 17 ]
}

find_java() {
  if [ -n "${JAVA_HOME:-}" ] && is_java "$JAVA_HOME/bin/java"; then
    JAVA=$JAVA_HOME/bin/java
    return
  fi
  JAVA=$(command -v java 2>/dev/null) && is_java "$JAVA" && return
  for JAVA in /usr/lib/jvm/*/bin/java; do
    is_java "$JAVA" && return
  done
  fail "needs Java 17 or later: set JAVA_HOME, or install one (apt-get install openjdk-17-jre-headless)"
}

BIN=$(cd "$(dirname "$here")" && pwd -P)
if [ -d "$BIN/../lib" ]; then
  LIB=$BIN/../lib
else
  LIB=$BIN/../dist/target/sheepfs/lib
fi
[ -d "$LIB" ] || fail "not built yet; run 'make build' in $(dirname "$BIN")"
LIB=$(cd "$LIB" && pwd -P)
find_java

# A class-data-sharing archive for each Java, so that start-up need not parse our classes again. Made
# by 'make build', and by the package when it is installed; without it we only start slower.
archive=$LIB/${archive_name:-sheepfs}-$(cksum <"$(dirname "$(dirname "$(readlink -f "$JAVA")")")/release" | tr ' ' '-').jsa

java_options() {
  printf '%s\n' -XX:+UseSerialGC -XX:TieredStopAtLevel="${compiler_tier:-4}" -Xmx"${SHEEPFS_HEAP:-256m}" -Xss512k \
    -XX:+ExitOnOutOfMemoryError -Xshare:auto -Xlog:disable
  # Netty would look at all network interfaces for an address that tells machines apart, and warn if there is none.
  printf '%s\n' -Dio.netty.machineId=00:00:00:00:00:00:00:00
  # Java 25 takes a difference to its own archive for an error, and uses ours all the same. Later ones may not know the name.
  if [ "$java_version" -le 25 ]; then printf '%s\n' '-Xlog:all=error,cds=off:stderr'; else printf '%s\n' -Xlog:all=error:stderr; fi
  # A sheep of a cluster that is full of requests of every kind takes up to 320 MiB for them; the heap's size is Java's own limit.
  [ -n "${SHEEPFS_HEAP:-}" ] || printf '%s\n' -XX:MaxDirectMemorySize=384m
  [ "$java_version" -ge 22 ] && printf '%s\n' --enable-native-access=ALL-UNNAMED
  [ "$java_version" -ge 23 ] && printf '%s\n' --sun-misc-unsafe-memory-access=allow
  if [ -n "${SHEEPFS_DUMP_ARCHIVE:-}" ]; then
    printf '%s\n' "-XX:ArchiveClassesAtExit=$archive"
  elif [ -n "${SHEEPFS_DUMP_CLASSES:-}" ]; then
    printf '%s\n' "-XX:DumpLoadedClassList=$SHEEPFS_DUMP_CLASSES"
  elif [ -r "$archive" ]; then
    printf '%s\n' "-XX:SharedArchiveFile=$archive"
  fi
}

# Runs the class $1 with the other arguments in place of this shell.
run_java() {
  main=$1
  shift
  oldifs=$IFS
  IFS='
'
  # shellcheck disable=SC2046
  set -- $(java_options) -cp "$LIB/*" "$main" "$@"
  IFS=$oldifs
  exec "$JAVA" "$@"
}

# Runs the class $1 in the background, in a session of its own unless the variable session is empty,
# and waits until it says READY; other lines go to standard error, and so does what Java itself
# complains of. Exits with 0, or with the exit code of a Java that
# ended first.
run_daemon() {
  main=$1
  shift
  fifo=$(mktemp -d "${TMPDIR:-/tmp}/sheepfs.XXXXXX") || fail "cannot make a temporary directory"
  trap 'rm -rf "$fifo"' EXIT
  mkfifo "$fifo/status" || fail "cannot make a pipe"
  oldifs=$IFS
  IFS='
'
  # shellcheck disable=SC2046
  set -- $(java_options) -Dsheepfs.status.fd=3 -cp "$LIB/*" "$main" "$@"
  IFS=$oldifs
  ${session-setsid} "$JAVA" "$@" </dev/null 3>"$fifo/status" >/dev/null 2>&3 &
  daemon=$!
  # who is interrupted while he waits does not want the mount any more; 8 is what mount(8) says
  trap 'kill "$daemon" 2>/dev/null; exit 8' INT TERM
  while IFS= read -r line; do
    if [ "$line" = READY ]; then
      exit 0
    fi
    printf '%s\n' "$line" >&2
  done <"$fifo/status"
  wait "$daemon"
  exit $?
}

# Runs the class $1 in the background, unless its arguments ask for the foreground, or for something
# that ends by itself; $2 is the short option that prints the version. Each class refuses a value
# that looks like an option, so that none is mistaken for one here.
run_server() {
  main=$1
  version=$2
  shift 2
  [ $# -gt 0 ] || run_java "$main"
  for argument in "$@"; do
    case $argument in
      -h | --help | "$version" | --version | -f | --foreground) run_java "$main" "$@" ;;
    esac
  done
  run_daemon "$main" "$@"
}
