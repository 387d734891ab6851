#!/usr/bin/env bash
# How much of the network one notices behind the object cache: one mount of one sheep behind a proxy
# that limits the bandwidth and adds a delay, each way, which changes while it is mounted. The
# delays take turns, so that a disturbance of the machine hits them alike; the figures are medians,
# with the least and the most.
#
#   SIZE_MB   size of the file (256)      SECONDS_EACH  length of a random job (3)
#   ROUNDS    turns (5)                   DELAYS        in ms, each way ("0 1 10")
#   RATE_MB   bandwidth of the proxy in MB/s (200)
#   WORK      folder to work in (a new one under /var/tmp)
#   OUT       where the JSON goes (bench/target/cache.json)
set -euo pipefail
export LC_ALL=C
root=$(cd "$(dirname "$0")/.." && pwd -P)
size_mb=${SIZE_MB:-256}
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-3}
rate_mb=${RATE_MB:-200}
read -ra delays <<<"${DELAYS:-0 1 10}"
out=${OUT:-$root/bench/target/cache.json}
work=$(readlink -f "${WORK:-$(mktemp -d /var/tmp/sheepfs-cache.XXXXXX)}")
mnt=$work/mnt
disk=$mnt/volume/disk
pids=()
java=java
[ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
for program in fio python3; do
  command -v "$program" >/dev/null || { echo "bench needs $program; run 'make deps'" >&2; exit 1; }
done

. "$root/scripts/mounted.sh"

unmount() {
  if [ "$(id -u)" -eq 0 ]; then umount "$mnt"; else fusermount3 -u "$mnt"; fi
  for _ in $(seq 600); do
    # the log says so last, when all is saved and the cache is closed
    if tail -n 1 "$work/mount.log" | grep -q unmounted; then return; fi
    sleep 0.1
  done
  echo "the mount does not end" >&2
  exit 1
}

finish() {
  if mounted "$mnt"; then unmount || true; fi
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if ! mounted "$mnt"; then rm -rf --one-file-system "$work"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM

results=$work/results
mkdir -p "$mnt"
: >"$results"

sheep_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$root/bin/sheep" -f -p "$sheep_port" "$work/store" >"$work/sheep.log" 2>&1 &
pids+=($!)
for _ in $(seq 600); do
  if grep -q serving "$work/sheep.log"; then break; fi
  sleep 0.1
done
"$root/bin/dog" cluster format -c 1 -a 127.0.0.1 -p "$sheep_port" >/dev/null

coproc LINK {
  exec "$java" -Xmx64m -XX:+UseSerialGC -cp "$root/dist/target/test-classes" \
    io.sheepfs.dist.LinkCommand 0 "$sheep_port"
}
pids+=("$LINK_PID")
exec {link_in}<&"${LINK[0]}" {link_out}>&"${LINK[1]}"
read -r -u "$link_in" link_port
link() { # what LinkCommand knows
  local answer
  echo "$*" >&"$link_out"
  read -r -u "$link_in" answer
  [ "$answer" = ok ]
}

mount_sheepfs() { # CACHE options...
  local cache=$1
  shift
  : >"$work/mount.log"
  "$root/bin/sheepfs" -p "$link_port" --cache-dir "$work/$cache" --cache-free-space 0 \
    --log-file "$work/mount.log" "$@" "$mnt"
}

# job METRIC DELAY WHAT fio-options...: runs fio on the disk, and records a figure of its report.
job() {
  local metric=$1 delay=$2 what=$3
  shift 3
  fio --name=job --filename="$disk" --size="${size_mb}M" --output-format=json --randseed=42 \
    --randrepeat=1 --allow_file_create=0 --fallocate=none --group_reporting "$@" \
    >"$work/fio.json" 2>"$work/fio.err" || { cat "$work/fio.err" >&2; exit 1; }
  printf '%s %s %s\n' "$metric" "$delay" "$(python3 "$root/bench/cache_report.py" fio "$work/fio.json" "$what")" >>"$results"
}
# An open asks the cluster, so that it sees what was closed elsewhere before; fio opens the file at
# the start and each time it has done its size, which is not what is measured here.
timed=(--time_based --runtime="$seconds" --ramp_time=1 --io_size=16T)

# Nobody else writes what is read here, so that the disk has no holes.
mount_sheepfs cache --pagecache off
truncate -s "${size_mb}M" "$disk"
fio --name=fill --filename="$disk" --size="${size_mb}M" --rw=write --bs=1M --end_fsync=1 \
  --allow_file_create=0 --fallocate=none --output="$work/fill.txt"
unmount

link rate "$rate_mb"
for ((round = 0; round < rounds; round++)); do
  echo "Round $((round + 1)) of $rounds" >&2
  order=()
  for ((i = 0; i < ${#delays[@]}; i++)); do
    order+=("${delays[$(((i + round) % ${#delays[@]}))]}")
  done

  for pagecache in off on; do
    for delay in "${order[@]}"; do
      mount_sheepfs cold --pagecache "$pagecache"
      link delay "$delay"
      job "cold_$pagecache" "$delay" read_mb --rw=read --bs=1M
      link delay 0
      unmount
      rm -rf --one-file-system "$work/cold"
    done
  done

  mount_sheepfs cache --pagecache off
  cat "$disk" >"$work/warm"
  rm "$work/warm"
  for metric in read_4k read_4k_x4 read_1m write_4k write_paced write_fsync; do
    for delay in "${order[@]}"; do
      link delay "$delay"
      case $metric in
        read_4k) job $metric "$delay" read_iops --rw=randread --bs=4k "${timed[@]}" ;;
        read_4k_x4) job $metric "$delay" read_iops --rw=randread --bs=4k --numjobs=4 "${timed[@]}" ;;
        read_1m) job $metric "$delay" read_mb --rw=read --bs=1M "${timed[@]}" ;;
        write_4k) job $metric "$delay" write_iops --rw=randwrite --bs=4k "${timed[@]}" ;;
        write_paced) job $metric "$delay" write_us --rw=randwrite --bs=4k --rate_iops=500 "${timed[@]}" ;;
        write_fsync) job $metric "$delay" sync_ms --rw=randwrite --bs=4k --fsync=1 "${timed[@]}" ;;
      esac
      link delay 0
      sync "$disk" # what one leaves dirty is not the next one's burden
    done
  done
  unmount
done

mkdir -p "$(dirname "$out")"
python3 "$root/bench/cache_report.py" table "$results" "$out" "$size_mb" "$rounds" "$rate_mb" "${delays[@]}"
