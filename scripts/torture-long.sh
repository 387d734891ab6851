#!/usr/bin/env bash
# All that is done by hand to break it, in turns, with new seeds in each turn, until the time is over
# or something fails. A turn does a share of what is asked of each in the end, so that all get the same part.
# Prints a table of figures at the end. Exits with 1 on a failure, and keeps the output of what failed,
# which names its seed.
#
#   HOURS   how long (2)                    SEED   of the first turn (the time)
#   SHARE   a turn does 1/SHARE (100)       LOGS   where outputs are kept (target/torture-long)
#
# As root also the trials with real clusters and disks; see scripts/trials.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd -P)
seed=${SEED:-$(date +%s)}
end=$(awk -v now="$(date +%s)" -v hours="${HOURS:-2}" 'BEGIN {print int(now + hours * 3600)}')
logs=${LOGS:-$root/target/torture-long}
mkdir -p "$logs"
logs=$(cd "$logs" && pwd -P)
mvn=${MVN:-mvn -B -ntp}
share=${SHARE:-100}
jdk25=$(ls -d /usr/lib/jvm/*-25-*/bin/javac /usr/lib/jvm/*-25/bin/javac 2>/dev/null | head -n 1 || true)
if [ -z "${JAVA_HOME:-}" ] && [ -n "$jdk25" ]; then
  export JAVA_HOME=${jdk25%/bin/javac} # a simulated cluster is twice as fast there
fi
declare -A done_amount done_seconds all_amount
order=()
turn=0
failed=

# name, how much of it is asked in the end, then the command, in which AMOUNT is the share of a turn
campaign() {
  local name=$1 all=$2 begin rc=0
  shift 2
  local amount=$((all / share > 0 ? all / share : 1))
  if [ -n "$failed" ] || [ "$(date +%s)" -ge "$end" ]; then
    return 0
  fi
  local log="$logs/$turn-${name// /-}.log"
  begin=$(date +%s)
  "${@//AMOUNT/$amount}" >"$log" 2>&1 || rc=$?
  if [ -z "${done_amount[$name]:-}" ]; then
    order+=("$name")
    all_amount[$name]=$all
  fi
  if [ $rc -ne 0 ]; then
    failed="$name, seed $seed, exit code $rc: $log"
    return 0
  fi
  done_amount[$name]=$((${done_amount[$name]:-0} + amount))
  done_seconds[$name]=$((${done_seconds[$name]:-0} + $(date +%s) - begin))
  echo "turn $turn, seed $seed: $amount $name, $(($(date +%s) - begin)) s"
  rm "$log"
}

trial() { # name, how much, the program in scripts/trials, its arguments
  local name=$1 all=$2
  shift 2
  if [ "$(id -u)" -eq 0 ]; then
    campaign "$name" "$all" python3 "scripts/trials/$@" --seed $seed
  fi
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
  campaign "kill rounds" 1000 env PARTS=kill ROUNDS=AMOUNT SEED=$seed bash scripts/torture.sh
  campaign "sheepfsx operations" 10000000 \
    env PARTS=fsx OPERATIONS=AMOUNT SEED=$seed bash scripts/torture.sh
  campaign "power cuts of a store" 1000000 random_test store PowerCutSimTest \
    -Dsheepfs.power.cuts=AMOUNT -Dsheepfs.seed=$seed
  campaign "cache steps" 100000000 random_test cache CacheSimTest \
    -Dsheepfs.cache.steps=AMOUNT -Dsheepfs.cache.seed=$seed
  campaign "cluster histories" 1000000 random_test store ClusterSimTest \
    -Dsheepfs.cluster.seeds=AMOUNT -Dsheepfs.cluster.first=$seed
  campaign "hostile requests" 50000000 random_test store HostileFramesFuzzTest \
    -Dfuzz.frames=AMOUNT -Dfuzz.seed=$seed
  campaign "hostile answers" 50000000 random_test protocol HostileSheepFuzzTest \
    -Dfuzz.frames=AMOUNT -Dfuzz.seed=$seed
  campaign "hostile NBD bytes" 1000000000 random_test sbd HostileBytesFuzzTest \
    -Dsheepfs.nbd.fuzz.bytes=AMOUNT -Dsheepfs.nbd.fuzz.seed=$seed
  campaign "ZooKeeper nonsense" 100000 random_test store ZooKeeperNonsenseTest \
    -Dfuzz.frames=AMOUNT -Dfuzz.seed=$seed
  campaign "store disk error pairs" 1000 random_test store 'Store*FaultTest' \
    -Dsheepfs.fault.pairs=AMOUNT -Dsheepfs.seed=$seed
  campaign "cache disk error pairs" 1000 random_test cache 'Cache*FaultTest' \
    -Dsheepfs.fault.pairs=AMOUNT -Dsheepfs.seed=$seed
  campaign "journal bit flips" 10000 random_test store JournalDamageTest \
    -Dsheepfs.flips=AMOUNT -Dsheepfs.seed=$seed
  campaign "cache bit flips" 10000 random_test cache BitFlipTest \
    -Dsheepfs.flips=AMOUNT -Dsheepfs.seed=$seed
  trial "deletions with crashes" 1000 deletes.py --rounds AMOUNT
  trial "cluster kill rounds" 1000 rounds.py --rounds AMOUNT
  trial "partitions" 1000 partitions.py --rounds AMOUNT
  trial "real store power cuts" 1000 powercut.py --what store --cuts AMOUNT
  trial "real cache power cuts" 1000 powercut.py --what cache --cuts AMOUNT
  seed=$((seed + 1000003)) # far from the seeds that this turn used
done

echo
printf '%-26s %14s %14s %10s\n' what done asked seconds
for name in ${order[@]+"${order[@]}"}; do
  printf '%-26s %14s %14s %10s\n' "$name" "${done_amount[$name]:-0}" "${all_amount[$name]}" \
    "${done_seconds[$name]:-0}"
done
if [ -n "$failed" ]; then
  echo "FAILED: $failed"
  tail -n 60 "${failed##*: }"
  exit 1
fi
echo "nothing failed in $turn turns"
