#!/usr/bin/env bash
# Unmounts and waits until everything is saved: stop.sh MNT
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
mnt=$(readlink -m "$1")
if ! grep -q " $mnt fuse" /proc/mounts; then
  echo "$mnt is not mounted"
  exit 0
fi
"$root/bin/sheepfs" umount "$mnt"
echo "Unmounted $mnt"
