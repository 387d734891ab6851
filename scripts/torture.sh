#!/usr/bin/env bash
# Breaks a mount on purpose, after a build: kill -9 in the middle of writes, with the network stalled,
# broken and slow, then what was written is looked for, block by block; then sheepfsx, which does
# everything to a file at random and compares it with a model. Prints its seed, which repeats the
# choices, and its figures; exits with 1 if a byte was wrong or a process grew.
#
#   ROUNDS       kills (50)                  SEED   a number (the time)
#   OPERATIONS   of sheepfsx (100,000)       WORK   folder to work in (a new one)
#   PARTS        kill, fsx (both)
#
# Arguments are options of sheepfsx: PARTS=fsx scripts/torture.sh --help shows them.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd -P)
work=$(readlink -f "${WORK:-$(mktemp -d /var/tmp/sheepfs-torture.XXXXXX)}")
seed=${SEED:-$(date +%s)}
parts=${PARTS:-kill fsx}
java=java
[ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
child=

finish() {
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  # Whatever became of the program: a mount that is taken away ends its process, too.
  awk -v below="$work/" 'index($2, below) == 1 {print $2}' /proc/mounts | sort -r | while read -r mount; do
    umount -l "$mount" || true
  done
  rm -rf --one-file-system "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

run() {
  "$java" -Xmx512m -cp "target/test-classes:target/sheepfs/lib/*:target/test-lib/*" "$@" &
  child=$!
  wait "$child"
  child=
}

# MountedStore looks for bin/ beside the folder that it runs in.
cd "$root/dist"
mkdir -p "$work/kill" "$work/fsx"
case " $parts " in *" kill "*)
  run io.sheepfs.dist.KillTorture "$work/kill" "${ROUNDS:-50}" "$seed" ;;
esac
case " $parts " in *" fsx "*)
  run io.sheepfs.dist.SheepFsx --seed "$seed" --operations "${OPERATIONS:-100000}" "$@" "$work/fsx" ;;
esac
