#!/usr/bin/env bash
# Unmounts and ends what cluster.sh started, when everything is saved: cluster-stop.sh MNT STORE
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
mnt=$1
store=$(readlink -m -- "$2")
. "$root/scripts/mounted.sh"
. "$root/scripts/cluster-processes.sh"
if [ ! -d "$store/run" ]; then
  echo "No cluster runs in $store"
  exit 0
fi
exec 9<"$store"
flock -n 9 || { echo "Another 'make cluster' or 'make cluster-stop' is at work on $store" >&2; exit 1; }
was=$(cat "$store/run/mnt" 2>/dev/null || true)
if [ -n "$was" ] && [ "$was" != "$(readlink -m -- "$mnt")" ] && mounted "$was"; then
  echo "The cluster in $store is mounted at $was: make cluster-stop MNT=$was STORE=$store" >&2
  exit 1
fi
if [ -n "$was" ] && mounted "$was"; then
  case $(running) in
    *sheep*) "$root/bin/sheepfs" umount "$mnt" ;;
    *)
      echo "No sheep runs to take what is not saved yet; it stays in $store/cache for the next 'make cluster'."
      "$root/bin/sheepfs" umount --no-flush "$mnt"
      ;;
  esac
fi
stop_all || true
rm -rf "$store/run"
echo "Stopped the cluster in $store"
