#!/usr/bin/env bash
# Mounts an embedded store and shows a VDI as a file: run.sh MNT STORE
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
mnt=$1
store=$2
. "$root/scripts/mounted.sh"

if ! mounted "$mnt" || ! ls "$mnt" >/dev/null 2>&1; then
  mkdir -p "$mnt" 2>/dev/null || true
  if [ ! -d "$mnt" ] && ! stat "$mnt" >/dev/null 2>&1; then
    # A dead mount cannot be looked at, but is there; anything else we cannot make.
    mounted "$mnt" \
      || { echo "Cannot make $mnt; choose another: make run MNT=\$HOME/sheep" >&2; exit 1; }
  fi
  mkdir -p "$(dirname "$store")"
  "$root/bin/sheepfs" --store "$store" "$mnt"
  echo "Mounted the store $store at $mnt"
else
  echo "$mnt is mounted already"
fi

if [ -z "$(ls "$mnt/volume")" ]; then
  truncate -s 1G "$mnt/volume/demo"
  echo "Made a VDI: truncate -s 1G $mnt/volume/demo"
fi
echo
ls -ls "$mnt/volume"
echo
echo "Each of these files is a virtual disk. Try:"
echo "  qemu-img info $mnt/volume/demo"
echo "  mkfs.ext4 $mnt/volume/demo"
echo "  touch $mnt/snapshot/demo/first && ln $mnt/snapshot/demo/first $mnt/volume/copy"
echo "Unmount with 'make stop'."
