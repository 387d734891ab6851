#!/usr/bin/env bash
# Breaks a mount on purpose, after a build: kill -9 in the middle of writes, with the network stalled,
# broken and slow, then what was written is looked for, block by block. Prints its seed, which repeats
# the choices, and its figures; exits with 1 if a byte was lost.
#
#   ROUNDS   how often (50)     SEED   a number (the time)     WORK   folder to work in (a new one)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd -P)
work=$(readlink -f "${WORK:-$(mktemp -d /var/tmp/sheepfs-torture.XXXXXX)}")
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

# MountedStore looks for bin/ beside the folder that it runs in.
cd "$root/dist"
"$java" -Xmx512m -cp "target/test-classes:target/sheepfs/lib/*:target/test-lib/*" \
  io.sheepfs.dist.KillTorture "$work" "${ROUNDS:-50}" "${SEED:-$(date +%s)}" &
child=$!
wait "$child"
child=
