#!/usr/bin/env bash
# Unmounts and waits until everything is saved: stop.sh MNT
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
mnt=$1
. "$root/scripts/mounted.sh"
if ! mounted "$mnt"; then
  echo "$mnt is not mounted"
  exit 0
fi
"$root/bin/sheepfs" umount "$mnt"
echo "Unmounted $mnt"
