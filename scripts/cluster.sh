#!/usr/bin/env bash
# Starts a ZooKeeper and three sheep on this machine and mounts their cluster: cluster.sh MNT STORE
# Ports: PORT (7000), the two after it for the other sheep, and the third after it for ZooKeeper.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
mnt=$1
store=$(readlink -m -- "$2")
port=${PORT:-7000}
. "$root/scripts/mounted.sh"
. "$root/scripts/cluster-processes.sh"

fail() {
  echo "$*" >&2
  exit 1
}

advise() {
  echo
  echo "Each file in $mnt/volume is a virtual disk with three copies. Try:"
  echo "  truncate -s 1G $mnt/volume/demo && mkfs.ext4 $mnt/volume/demo"
  echo "  bin/dog node list -p $port"
  echo "  kill -9 $(pid_of sheep2)      # a sheep; after 10 s all goes on without it"
  echo "Stop all of it with 'make cluster-stop', with the same MNT and STORE; the data stays in $store."
}

case $port in
  '' | *[!0-9]*) fail "PORT=$port is not a number" ;;
esac
if [ -e "$store" ] && [ ! -d "$store/zookeeper" ] && [ -n "$(ls -A "$store")" ]; then
  fail "$store has something else in it; choose another: make cluster STORE=\$HOME/sheep-cluster"
fi
case $(readlink -m -- "$mnt")/ in
  "$store"/*) fail "MNT must not be in STORE" ;;
esac
made=
[ -e "$store" ] || made=$store
mkdir -p "$store" || fail "Cannot make $store; choose another: make cluster STORE=\$HOME/sheep-cluster"

# Two at once would each take the other's ports.
exec 9<"$store"
flock -n 9 || fail "Another 'make cluster' or 'make cluster-stop' is at work on $store"
[ -z "$made" ] || trap 'rmdir "$store" 2>/dev/null || true' EXIT

running=$(running)
if [ -n "$running" ]; then
  if [ "$running" = "$all" ] && [ "$(cat "$store/run/port")" = "$port" ] \
    && [ "$(cat "$store/run/mnt")" = "$(readlink -m -- "$mnt")" ] && mounted "$mnt" && ls "$mnt" >/dev/null 2>&1; then
    echo "The cluster in $store runs already, mounted at $mnt"
    advise
    exit 0
  fi
  fail "Of the cluster in $store there runs: $running. Stop it first: make cluster-stop MNT=$(cat "$store/run/mnt") STORE=$store"
fi
! mounted "$mnt" || fail "$mnt is in use by another mount; 'make stop MNT=$mnt' ends it"
for p in $port $((port + 1)) $((port + 2)) $((port + 3)); do
  if (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then
    fail "Port $p is busy; stop what listens there ('ss -ltnp sport = :$p' names it), or choose others: make cluster PORT=17000"
  fi
done

# From here on we leave nothing behind unless all of it works.
made_mnt=
[ -e "$mnt" ] || made_mnt=$mnt
give_up() {
  code=$?
  trap - EXIT
  [ "$code" -ne 0 ] || code=1
  echo "The cluster does not start. What its parts said:" >&2
  for name in $all; do
    [ ! -s "$store/$name.log" ] || tail -n 3 "$store/$name.log" | sed "s/^/  $name: /" >&2
  done
  if mounted "$mnt"; then "$root/bin/sheepfs" umount --no-flush "$mnt" 2>/dev/null || umount -l "$mnt" || true; fi
  stop_all || true
  rm -rf "$store/run"
  if [ -n "$made" ]; then
    # there is no mount in it: MNT is not allowed to be
    rm -rf --one-file-system "$made"
  fi
  [ -z "$made_mnt" ] || rmdir "$made_mnt" 2>/dev/null || true
  exit "$code"
}

mkdir -p "$mnt" || fail "Cannot make $mnt; choose another: make cluster MNT=\$HOME/sheep"
trap give_up EXIT
trap 'exit 130' INT TERM
mkdir -p "$store/run" "$store/zookeeper"
readlink -m -- "$mnt" >"$store/run/mnt"
echo "$port" >"$store/run/port"

# Its own settings: a session is 10 s unless a sheep wants another.
cat >"$store/run/zoo.cfg" <<END
dataDir=$store/zookeeper
clientPort=$((port + 3))
clientPortAddress=127.0.0.1
tickTime=1000
maxClientCnxns=0
autopurge.purgeInterval=1
END
start zookeeper bash "$root/scripts/zookeeper.sh" "$store/run/zoo.cfg"
await 300 "ZooKeeper answers at port $((port + 3))" answers $((port + 3))
addresses=
for i in 1 2 3; do
  start "sheep$i" "$root/bin/sheep" -f -c "zookeeper:127.0.0.1:$((port + 3))/sheepfs" \
    -p $((port + i - 1)) -z "$i" "$store/sheep$i"
  addresses=$addresses${addresses:+,}127.0.0.1:$((port + i - 1))
done
await 300 "three sheep find each other" three_there
if "$root/bin/dog" cluster info -p "$port" 2>&1 | grep -qi 'formatted'; then
  "$root/bin/dog" cluster format -c 3 -p "$port"
fi
await 300 "the cluster serves" serves
"$root/bin/sheepfs" -a "$addresses" --cache-dir "$store/cache" --log-file "$store/sheepfs.log" "$mnt" 9<&-
trap - EXIT
echo "Mounted a cluster of three sheep (ports $port to $((port + 2)), store $store) at $mnt"
advise
