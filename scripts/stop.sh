#!/usr/bin/env bash
# Unmounts and waits until everything is saved: stop.sh MNT
set -eu
mnt=$(readlink -m "$1")
if ! grep -q " $mnt fuse" /proc/mounts; then
  echo "$mnt is not mounted"
  exit 0
fi
pids=$(pgrep -f "io\.sheepfs\.fuse\.Sheepfs .*$mnt\$" || true)
if [ "$(id -u)" -eq 0 ]; then
  umount "$mnt"
else
  fusermount3 -u "$mnt"
fi
for pid in $pids; do
  for _ in $(seq 600); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  ! kill -0 "$pid" 2>/dev/null || { echo "process $pid is still saving" >&2; exit 1; }
done
echo "Unmounted $mnt"
