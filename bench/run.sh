#!/usr/bin/env bash
# Compares sheepfs on an embedded store with the same file on the file system below and with
# qemu-storage-daemon's FUSE export, in one run. The three take turns, so that a disturbance of the
# machine hits them alike; the figures are medians.
#
#   SIZE_MB   size of the file (256)      SECONDS_EACH  length of a random job (3)
#   ROUNDS    turns (3)                   WORK          folder to work in (a new one under /var/tmp)
#   OUT       where the JSON goes (bench/target/bench.json)
#
# Wants root, to drop the page cache before cold reads; without, it says that reads are warm.
set -euo pipefail
export LC_ALL=C
root=$(cd "$(dirname "$0")/.." && pwd -P)
size_mb=${SIZE_MB:-256}
rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-3}
out=${OUT:-$root/bench/target/bench.json}
made=
if [ -z "${WORK:-}" ]; then
  WORK=$(mktemp -d /var/tmp/sheepfs-bench.XXXXXX)
  made=$WORK
fi
work=$(readlink -f "$WORK")
mnt=$work/mnt
qemu_pid=
for program in fio qemu-storage-daemon qemu-img python3; do
  command -v "$program" >/dev/null || { echo "bench needs $program; run 'make deps'" >&2; exit 1; }
done

. "$root/scripts/mounted.sh"

unmount() {
  if [ "$(id -u)" -eq 0 ]; then umount "$1"; else fusermount3 -u "$1"; fi
}

finish() {
  if mounted "$mnt"; then unmount "$mnt" || true; fi
  if [ -n "$qemu_pid" ]; then
    kill "$qemu_pid" 2>/dev/null || true
    wait "$qemu_pid" 2>/dev/null || true
  fi
  if mounted "$work/qemu.export"; then unmount "$work/qemu.export" || true; fi
  if [ -n "$made" ]; then
    # Never below a mount that would not go.
    rm -rf --one-file-system "$made" || true
  else
    rm -rf --one-file-system "$work/store" "$work/results" "$work"/{plain,qemu}.img || true
  fi
}
trap finish EXIT
trap 'exit 130' INT TERM

drop_caches() {
  sync
  [ "$(id -u)" -ne 0 ] || echo 3 >/proc/sys/vm/drop_caches
}
[ "$(id -u)" -eq 0 ] || echo "Not root: reads come from the page cache." >&2

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# Writes one line "METRIC WHO VALUE" per figure.
results=$work/results
mkdir -p "$mnt"
: >"$results"
record() { printf '%s %s %s\n' "$1" "$2" "$3" >>"$results"; }

# job METRIC WHO FILE bw|iops SIDE fio-options...: runs fio and records the figure.
job() {
  local metric=$1 who=$2 file=$3 what=$4 side=$5
  shift 5
  fio --name=job --filename="$file" --size="${size_mb}M" --output-format=json --randseed=42 \
    --randrepeat=1 --allow_file_create=0 --fallocate=none --group_reporting "$@" \
    >"$work/fio.json" 2>"$work/fio.err" || { cat "$work/fio.err" >&2; exit 1; }
  record "$metric" "$who" "$(python3 -c '
import json, sys
text = open(sys.argv[1]).read()
job = json.loads(text[text.index("{"):])["jobs"][0]
if job["error"]:
    sys.exit("fio: error %d" % job["error"])
side = job[sys.argv[3]]
if sys.argv[2] == "bw":
    # The time of the closing fsync counts, so not the rate of the writes alone.
    print(side["io_bytes"] / 1e6 / max(job["job_runtime"], 1) * 1000)
else:
    print(side["iops"])
' "$work/fio.json" "$what" "$side")"
}

# What each contender is made of anew in each round, so that "new" means new.
mount_sheepfs() {
  local before
  before=$(now_ms)
  "$root/bin/sheepfs" --store "$work/store" --log-file "$work/sheepfs.log" "$mnt"
  stat -f "$mnt/volume" >/dev/null
  record mount_ms sheepfs $(($(now_ms) - before))
}

# The process that holds the store, found by the one file that it has open and locked.
sheepfs_pid() {
  local each
  for each in /proc/[0-9]*; do
    if find "$each/fd" -lname "$work/store/lock" 2>/dev/null | grep -q .; then
      echo "${each#/proc/}"
      return
    fi
  done
}

start_qemu() {
  local before
  truncate -s 0 "$work/qemu.img"
  truncate -s "${size_mb}M" "$work/qemu.img"
  : >"$work/qemu.export"
  before=$(now_ms)
  qemu-storage-daemon \
    --blockdev driver=file,node-name=disk,filename="$work/qemu.img" \
    --export type=fuse,id=export,node-name=disk,mountpoint="$work/qemu.export",writable=on \
    >"$work/qemu.log" 2>&1 &
  qemu_pid=$!
  until mounted "$work/qemu.export"; do
    kill -0 "$qemu_pid" 2>/dev/null || { cat "$work/qemu.log" >&2; exit 1; }
    sleep 0.01
  done
  record mount_ms qemu $(($(now_ms) - before))
}

memory_mb() { awk '/^Pss:/ {print $2 / 1024}' "/proc/$1/smaps_rollup"; }

each() { # METRIC bw|iops SIDE fio-options...
  local who metric=$1
  shift
  for who in "${order[@]}"; do
    case $metric in seq_read_cold) drop_caches ;; esac
    job "$metric" "$who" "${file[$who]}" "$@"
  done
}

declare -A file=([plain]=$work/plain.img [sheepfs]=$mnt/volume/bench [qemu]=$work/qemu.export)
contenders=(plain sheepfs qemu)
for ((round = 0; round < rounds; round++)); do
  echo "Round $((round + 1)) of $rounds" >&2
  order=()
  for ((i = 0; i < 3; i++)); do order+=("${contenders[$(((i + round) % 3))]}"); done
  mount_sheepfs
  start_qemu
  record idle_mb sheepfs "$(memory_mb "$(sheepfs_pid)")"
  record idle_mb qemu "$(memory_mb "$qemu_pid")"
  truncate -s 0 "${file[plain]}"
  truncate -s "${size_mb}M" "${file[plain]}" "${file[sheepfs]}"

  each seq_write_new bw write --rw=write --bs=1M --end_fsync=1
  each seq_write_over bw write --rw=write --bs=1M --end_fsync=1
  each seq_read_cold bw read --rw=read --bs=1M --invalidate=1
  each rand_read_4k iops read --rw=randread --bs=4k --time_based --runtime="$seconds"
  each rand_read_4k_x16 iops read --rw=randread --bs=4k --numjobs=16 --time_based \
    --runtime="$seconds"
  each rand_write_4k_x16 iops write --rw=randwrite --bs=4k --numjobs=16 --time_based \
    --runtime="$seconds"
  each write_4k_fsync iops write --rw=randwrite --bs=4k --fsync=1 --time_based \
    --runtime="$seconds"

  kill "$qemu_pid"
  wait "$qemu_pid" || true
  qemu_pid=
  rm "$mnt/volume/bench"
  pid=$(sheepfs_pid)
  unmount "$mnt"
  for _ in $(seq 300); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
done

mkdir -p "$(dirname "$out")"
python3 "$root/bench/report.py" "$results" "$out" "$size_mb" "$rounds"
