#!/bin/sh
# Makes the class-data-sharing archive of dog for the Java that the launchers find. A class list and
# 'java -Xshare:dump', not an archive made when a program ends: only so does Java 17 take classes as
# old as those of picocli, which are most of what dog loads.
set -eu
here=$(readlink -f "$0")
bin=$(dirname "$here")
here=$bin/dog
archive_name=dog
. "$bin/launch.sh"
work=$(mktemp -d)
sheep=
trap '[ -z "$sheep" ] || kill "$sheep" 2>/dev/null || true; rm -rf "$work"' EXIT

# a sheep to talk to, at a port that is free
port=$((20000 + $$ % 20000))
for attempt in 1 2 3; do
  "$bin/sheep" -f -c local -p "$port" "$work/store" >"$work/log" 2>&1 &
  sheep=$!
  deadline=$(($(date +%s) + 60))
  while [ "$(date +%s)" -lt $deadline ]; do
    SHEEPFS_DUMP_CLASSES=$work/1 "$bin/dog" cluster format -c 1 -p "$port" >"$work/dog" 2>&1 && break 2
    kill -0 "$sheep" 2>/dev/null || break
    sleep 0.2
  done
  kill "$sheep" 2>/dev/null || true
  wait "$sheep" || true
  sheep=
  port=$((port + 1))
done
[ -n "$sheep" ] || {
  tail -n 3 "$work/log" "$work/dog" >&2 || true
  echo "dog starts slower: no sheep to make its archive with" >&2
  exit 1
}

run() {
  list=$work/$1
  shift
  SHEEPFS_DUMP_CLASSES=$list "$bin/dog" "$@" -p "$port" >/dev/null 2>&1 </dev/null || true
}
run 2 vdi create -v a 4M
run 3 vdi list
run 4 vdi snapshot -s one a
run 5 node list
run 6 cluster info
run 7 vdi list --json
# each list has what the one before has, and little more; the dump wants no name twice. Their numbers,
# which later Javas add, are only for classes of other loaders, which name a source.
cat "$work"/[1-7] | sed '/^#/d; / source: /d; s/ id: [0-9]*$//' | awk '!seen[$0]++' >"$work/classes"
"$JAVA" -Xshare:dump -Xlog:disable -XX:SharedClassListFile="$work/classes" \
  -XX:SharedArchiveFile="$work/archive" -cp "$LIB/*" >/dev/null
mv "$work/archive" "$archive"
