#!/usr/bin/env bash
# Makes the class-data-sharing archives for the Java that the launchers find, so that they start
# faster. Without it they work all the same: a failure here is told, and no more.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
. "$root/scripts/mounted.sh"
lib=$root/dist/target/sheepfs/lib
newest=$(ls -t "$lib"/*.jar | head -n 1)
for archive in "$lib"/*.jsa; do
  [ -e "$archive" ] && [ "$archive" -nt "$newest" ] && exit 0
done
rm -f "$lib"/*.jsa
sh "$root/bin/archive.sh" || echo "No class-data archive of dog was made; it starts slower."
work=$(mktemp -d)
trap 'umount "$work/mnt" 2>/dev/null || fusermount3 -u "$work/mnt" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/mnt"
if [ -w /dev/fuse ] || [ -x /usr/bin/fusermount3 ]; then
  # A mount loads what a mount needs; its end writes the archive.
  SHEEPFS_DUMP_ARCHIVE=1 "$root/bin/sheepfs" -f --store "$work/store" "$work/mnt" \
    >"$work/log" 2>&1 &
  daemon=$!
  for _ in $(seq 300); do
    mounted "$work/mnt" && break
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.2
  done
  if mounted "$work/mnt"; then
    truncate -s 8M "$work/mnt/volume/warm"
    dd if=/dev/zero of="$work/mnt/volume/warm" bs=64k count=8 conv=notrunc,fsync status=none
    cat "$work/mnt/volume/warm" >/dev/null
    ls -lR "$work/mnt" >/dev/null
    rm "$work/mnt/volume/warm"
    umount "$work/mnt" 2>/dev/null || fusermount3 -u "$work/mnt"
  else
    kill "$daemon" 2>/dev/null || true
  fi
  wait "$daemon" || true
fi
ls "$lib"/*.jsa >/dev/null 2>&1 || echo "No class-data archive was made; start-up is slower."
