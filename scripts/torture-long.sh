#!/usr/bin/env bash
# Hours of make torture and of the random tests, in turns, with new seeds in each turn, until the
# time is over or something fails. Prints a table of figures at the end. Exits with 1 on a failure,
# and keeps the output of what failed, which names its seed.
#
#   HOURS   how long (2); 0.1 will do       SEED   of the first turn (the time)
#   LOGS    where outputs are kept (target/torture-long)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd -P)
seed=${SEED:-$(date +%s)}
end=$(awk -v now="$(date +%s)" -v hours="${HOURS:-2}" 'BEGIN {print int(now + hours * 3600)}')
logs=${LOGS:-$root/target/torture-long}
mkdir -p "$logs"
logs=$(cd "$logs" && pwd -P)
mvn=${MVN:-mvn -B -ntp}
declare -A done_amount done_seconds
order=()
turn=0
failed=

# name, how much it does, then the command
campaign() {
  local name=$1 amount=$2 begin rc=0
  shift 2
  if [ -n "$failed" ] || [ "$(date +%s)" -ge "$end" ]; then
    return 0
  fi
  local log="$logs/$turn-${name// /-}.log"
  begin=$(date +%s)
  "$@" >"$log" 2>&1 || rc=$?
  if [ -z "${done_amount[$name]:-}" ]; then
    order+=("$name")
  fi
  if [ $rc -ne 0 ]; then
    failed="$name, seed $seed, exit code $rc: $log"
    return 0
  fi
  done_amount[$name]=$((${done_amount[$name]:-0} + amount))
  done_seconds[$name]=$((${done_seconds[$name]:-0} + $(date +%s) - begin))
  echo "turn $turn, seed $seed: $name, $(($(date +%s) - begin)) s"
  rm "$log"
}

random_test() { # module, class, properties
  local module=$1 class=$2
  shift 2
  $mvn -q verify -pl "$module" -am -DskipITs -Dtest="$class" \
    -Dsurefire.failIfNoSpecifiedTests=false -Dspotless.check.skip=true "$@"
}

trap 'exit 130' INT TERM
cd "$root"
echo "torture-long: seed $seed, until $(date -d "@$end" '+%F %T')"
while [ -z "$failed" ] && [ "$(date +%s)" -lt "$end" ]; do
  turn=$((turn + 1))
  campaign "kill rounds" 50 env PARTS=kill ROUNDS=50 SEED=$seed bash scripts/torture.sh
  campaign "sheepfsx operations" 400000 \
    env PARTS=fsx OPERATIONS=400000 SEED=$seed bash scripts/torture.sh
  campaign "cache steps" 4000000 random_test cache CacheSimTest \
    -Dsheepfs.cache.steps=4000000 -Dsheepfs.cache.seed=$seed
  campaign "power cuts of a store" 20000 random_test store PowerCutSimTest \
    -Dsheepfs.power.cuts=20000 -Dsheepfs.seed=$seed
  campaign "histories of a cluster" 4000 random_test store ClusterSimTest \
    -Dsheepfs.cluster.seeds=4000 -Dsheepfs.cluster.first=$seed
  campaign "hostile requests" 500000 random_test store HostileFramesFuzzTest \
    -Dfuzz.frames=500000 -Dfuzz.seed=$seed
  campaign "hostile answers" 500000 random_test protocol HostileSheepFuzzTest \
    -Dfuzz.frames=500000 -Dfuzz.seed=$seed
  campaign "hostile NBD bytes" 20000000 random_test sbd HostileBytesFuzzTest \
    -Dsheepfs.nbd.fuzz.bytes=20000000 -Dsheepfs.nbd.fuzz.seed=$seed
  seed=$((seed + 1000003)) # far from the seeds that this turn used
done

echo
printf '%-26s %14s %10s\n' what done seconds
for name in ${order[@]+"${order[@]}"}; do
  printf '%-26s %14s %10s\n' "$name" "${done_amount[$name]:-0}" "${done_seconds[$name]:-0}"
done
if [ -n "$failed" ]; then
  echo "FAILED: $failed"
  tail -n 60 "${failed##*: }"
  exit 1
fi
echo "nothing failed in $turn turns"
