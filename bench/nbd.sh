#!/usr/bin/env bash
# Compares sbd serve on an embedded store with qemu-nbd and nbdkit on a file of the same file
# system, in one run. The three take turns, so that a disturbance of the machine hits them alike;
# the figures are medians. Everything is in the page cache of the machine.
#
#   SIZE_MB   size of the disk (256)      SECONDS_EACH  length of a job (3)
#   ROUNDS    turns (3)                   WORK          folder to work in (a new one under /var/tmp)
set -euo pipefail
export LC_ALL=C
root=$(cd "$(dirname "$0")/.." && pwd -P)
size_mb=${SIZE_MB:-256}
rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-3}
for program in fio qemu-nbd nbdkit nbdcopy python3; do
  command -v "$program" >/dev/null || { echo "bench needs $program" >&2; exit 1; }
done
work=$(readlink -f "${WORK:-$(mktemp -d /var/tmp/sheepfs-nbd.XXXXXX)}")
pids=()

finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf --one-file-system "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

uri() {
  case $1 in
    sbd) echo "nbd+unix:///disk?socket=$work/sbd.sock" ;;
    *) echo "nbd+unix:///?socket=$work/$1.sock" ;;
  esac
}

# A disk for sbd, made by the mount, which knows how.
mkdir -p "$work/mnt" "$work/results"
"$root/bin/sheepfs" --log-file "$work/mount.log" --store "$work/store" "$work/mnt"
truncate -s "${size_mb}M" "$work/mnt/volume/disk"
umount "$work/mnt"
for _ in $(seq 200); do
  grep -q unmounted "$work/mount.log" && break
  sleep 0.1
done
truncate -s "${size_mb}M" "$work/qemu.img" "$work/nbdkit.img"

"$root/bin/sbd" serve -f --store "$work/store" --unix "$work/sbd.sock" >"$work/sbd.log" 2>&1 &
pids+=($!)
qemu-nbd --persistent --shared=16 --format=raw --discard=unmap --socket="$work/qemu.sock" \
  "$work/qemu.img" &
pids+=($!)
nbdkit --foreground --unix "$work/nbdkit.sock" file "$work/nbdkit.img" &
pids+=($!)
for server in sbd qemu nbdkit; do
  for _ in $(seq 200); do
    nbdinfo --size "$(uri $server)" >/dev/null 2>&1 && break
    sleep 0.1
  done
done

head -c "${size_mb}M" /dev/urandom >"$work/data"
for server in sbd qemu nbdkit; do
  nbdcopy --flush "$work/data" "$(uri $server)"
done
rm "$work/data"

job() { # server name options
  local server=$1 name=$2
  shift 2
  fio --name="$name" --ioengine=nbd --uri="$(uri "$server")" --size="${size_mb}M" \
    --time_based --runtime="$seconds" --ramp_time=1 --output-format=json --group_reporting \
    --aux-path="$work" "$@" >"$work/results/$name.$server.$round.json"
}

for round in $(seq "$rounds"); do
  for server in sbd qemu nbdkit; do
    job $server randread-1 --rw=randread --bs=4k --iodepth=1
    job $server randread-16 --rw=randread --bs=4k --iodepth=16
    job $server randwrite-16 --rw=randwrite --bs=4k --iodepth=16
    job $server randread-4x16 --rw=randread --bs=4k --iodepth=16 --numjobs=4
    job $server read-1m --rw=read --bs=1M --iodepth=4
    job $server write-1m --rw=write --bs=1M --iodepth=4
  done
  echo "round $round of $rounds" >&2
done

python3 - "$work/results" <<'PYTHON'
import glob, json, os, statistics, sys

def value(name, server):
    results = []
    for path in glob.glob(os.path.join(sys.argv[1], f"{name}.{server}.*.json")):
        with open(path) as file:
            text = file.read()
        job = json.loads(text[text.index("{"):])["jobs"][0]  # fio may remark something first
        side = job["write"] if "write" in name else job["read"]
        results.append(side["bw_bytes"] / 1e6 if name.endswith("1m") else side["iops"])
    return statistics.median(results)

ROWS = [
    ("randread-1", "random read 4k, one at a time", "1/s"),
    ("randread-16", "random read 4k, 16 under way", "1/s"),
    ("randread-4x16", "the same on 4 connections", "1/s"),
    ("randwrite-16", "random write 4k, 16 under way", "1/s"),
    ("read-1m", "sequential read 1M, 4 under way", "MB/s"),
    ("write-1m", "sequential write 1M, 4 under way", "MB/s"),
]
print("| | unit | sbd | qemu-nbd | nbdkit file | sbd / qemu-nbd | sbd / nbdkit |")
print("|---|---|---:|---:|---:|---:|---:|")
for name, title, unit in ROWS:
    sbd, qemu, nbdkit = (value(name, server) for server in ("sbd", "qemu", "nbdkit"))
    print(f"| {title} | {unit} | {sbd:.0f} | {qemu:.0f} | {nbdkit:.0f} "
          f"| {sbd / qemu:.2f} | {sbd / nbdkit:.2f} |")
PYTHON
