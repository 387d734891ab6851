#!/usr/bin/env bash
# Our programs with those of the original, both ways; prints one line per check, exits 1 if one failed.
# usage: with-original.sh DIR [PORT] [DIR_0_9]
# DIR has the original's sheep, dog and sheepfs of release 1.0, DIR_0_9 those of 0.9; ports from PORT on are free.
set -u
orig=$(cd "${1:?directory of the original programs}" && pwd)
port=${2:-7211}
old=${3:+$(cd "$3" && pwd)}
cd "$(dirname "$0")/.." || exit 2
work=$(mktemp -d "${TMPDIR:-/tmp}/with-original.XXXXXX")
random=$work/random
failed=0
pids=()
mounts=()

clean() {
  for m in "${mounts[@]}"; do fusermount -u -z "$m" 2>/dev/null; done
  for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done
  wait
  rm -rf "$work"
}
trap clean EXIT

say() { printf '%-4s %s\n' "$1" "$2"; [ "$1" = ok ] || failed=1; }
check() { # NAME COMMAND...
  local name=$1
  shift
  if timeout 300 "$@" >"$work/out" 2>&1; then say ok "$name"; else say BAD "$name"; tail -5 "$work/out"; fi
}
dog() { "$orig/dog" "$@" -a 127.0.0.1 -p "$port"; }
same() { # NAME FILE VDI [dog's options]: the mount and the original's dog read the same
  local name=$1 file=$2 vdi=$3
  shift 3
  if cmp -s <(cat "$file") <(dog vdi read "$@" "$vdi" 2>/dev/null); then say ok "$name"; else say BAD "$name"; fi
}
until_answers() { # PORT
  for _ in $(seq 600); do
    "$orig/dog" node list -a 127.0.0.1 -p "$1" 2>/dev/null | grep -q 127 && return
    sleep 0.1
  done
  say BAD "sheep on port $1 answers"
}
c_sheep() { # PORT [-z ZONE]
  local at=$1
  shift
  mkdir -p "$work/c$at"
  "$orig/sheep" -f -n -b 127.0.0.1 -y 127.0.0.1 -p "$at" "$@" -l "level=err,dir=$work" -c "local:$work/shm" "$work/c$at" >>"$work/c$at.log" 2>&1 &
  last=$!
  pids+=("$last")
  disown "$last"
}

mount_on_original() { # NODES
  local n=$1 m=$work/mnt$1 v i
  for i in $(seq "$n"); do c_sheep $((port + i - 1)) -z "$i"; done
  until_answers "$port"
  for _ in $(seq 300); do [ "$(dog node list -r | wc -l)" = "$n" ] && break; sleep 0.1; done
  check "$n: format" "$orig/dog" cluster format -c "$n" -a 127.0.0.1 -p "$port"
  mkdir -p "$m"
  mounts+=("$m")
  check "$n: mount" bin/sheepfs -a 127.0.0.1 -p "$port" --cache-dir "$work/cache$n" "$m"
  v=$m/volume
  check "$n: create" truncate -s 64M "$v/a"
  check "$n: list" test -e "$v/a"
  check "$n: dd" dd if="$random" of="$v/a" bs=1M conv=notrunc,fsync
  check "$n: dd across objects" dd if="$random" of="$v/a" bs=7777 count=900 seek=1200 conv=notrunc,fsync
  check "$n: fio --verify" fio --name=v --filename="$v/f" --size=32M --rw=randwrite --bs=4k --verify=crc32c --do_verify=1 --verify_fatal=1 --end_fsync=1 --io_size=16M
  same "$n: dog reads the same after dd" "$v/a" a
  same "$n: dog reads the same after fio" "$v/f" f
  check "$n: snapshot" touch "$m/snapshot/a/s1"
  check "$n: write behind it" dd if="$random" of="$v/a" bs=1M skip=3 seek=1 count=5 conv=notrunc,fsync
  same "$n: dog reads the same VDI" "$v/a" a
  same "$n: dog reads the same snapshot" "$m/snapshot/a/s1" a -s s1
  check "$n: clone" ln "$m/snapshot/a/s1" "$v/clone"
  check "$n: write to the clone" dd if="$random" of="$v/clone" bs=1M skip=2 seek=9 count=3 conv=notrunc,fsync
  same "$n: dog reads the same clone" "$v/clone" clone
  check "$n: resize" truncate -s 96M "$v/a"
  check "$n: write behind the old end" dd if="$random" of="$v/a" bs=1M seek=90 count=4 conv=notrunc,fsync
  same "$n: dog reads the same after it" "$v/a" a
  for i in a f clone; do check "$n: dog vdi check $i" "$orig/dog" vdi check "$i" -a 127.0.0.1 -p "$port"; done
  check "$n: unlink" rm "$v/clone"
  if dog vdi list -r | grep -q '^[=c] clone '; then say BAD "$n: dog lists no clone"; else say ok "$n: dog lists no clone"; fi
  [ "$n" != 1 ] || under_load "$v" "$last"
  check "$n: umount" umount "$m"
  for i in $(seq "$n"); do kill "${pids[-$i]}"; done
  sleep 2
  rm -rf "$work"/shm "$work"/c[0-9]*
}

under_load() { # MOUNT PID: the original sheep is killed and started again while fio writes
  local v=$1 pid=$2
  fio --name=v --filename="$v/k" --size=32M --rw=randwrite --bs=16k --verify=crc32c --do_verify=1 --verify_fatal=1 --end_fsync=1 --fsync=64 --io_size=48M --rate=6m >"$work/fio" 2>&1 &
  local fio=$!
  for _ in 1 2 3; do
    sleep 2
    kill -9 "$pid"
    sleep 1.5
    c_sheep "$port" -z 1
    pid=$last
  done
  if wait "$fio"; then say ok "1: fio while the sheep is killed three times"; else say BAD "1: fio while the sheep is killed"; tail -5 "$work/fio"; fi
  until_answers "$port"
  check "1: dog vdi check k" "$orig/dog" vdi check k -a 127.0.0.1 -p "$port"
  same "1: dog reads the same after the kills" "$v/k" k
}

transcript() { # OUT: the original's dog, what changes from run to run left out
  local out=$1 d="$orig/dog" at="-a 127.0.0.1 -p $port" line
  while read -r line; do
    printf '$ dog %s\n' "$line"
    timeout 100 bash -c "random=$random bk=$work/bk; d() { $d \"\$@\" $at; }; d $line" </dev/null 2>&1
    echo "exit $?"
  done <<'L' | sed -E -e "s/127\.0\.0\.1:[0-9]+/HOST/g" -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?/TIME/g' \
    -e 's/(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +[0-9]+ [0-9:]{8} [0-9]{4}/CTIME/g' -e 's/Time: +[0-9:]{8}/TIME/; s/Date: [0-9-]+/DATE/' -e 's/\b1[67][0-9]{8}\b/SECS/g' -e 's/\x1b\[[0-9;]*m//g' \
    -e 's/\r/\n/g' -e 's/^.*\[=*>? *\].*$//' -e "s#/[^ ]*(obj|c[0-9]+)\b.*#STORE#" -e '/^ ?[0-9]+\t|^Total\t/s/\t.*/ SIZES/' -e '/^(Client|Peer)\t/s/\t.*/ COUNTS/' >"$out"
cluster info
cluster format -c 1
cluster info
node list
node info
vdi create thin 64M
vdi create -P pre 16M
vdi create -z 23 big 64M
vdi create thin 64M
vdi write thin 0 10M < $random
vdi write thin 5000000 1234567 < $random
vdi write big 8000000 3000000 < $random
vdi read thin | sha1sum
vdi read thin 4194000 1000 | sha1sum
vdi list
vdi list -r
vdi object location thin -i 0
vdi object map thin
vdi check thin
vdi check -e thin
vdi setattr thin key value
vdi getattr thin key
vdi setattr -x thin key other
vdi setattr -d thin key
vdi getattr thin key
vdi snapshot -s one thin
vdi snapshot -s one thin
vdi write thin 100000 2000000 < $random
vdi snapshot -s two thin
vdi clone -s one thin clone
vdi write clone 1M 3M < $random
vdi read clone | sha1sum
vdi read -s one thin | sha1sum
vdi tree
vdi graph
vdi resize thin 128M
vdi backup thin -F one -s two > $bk
vdi rollback -f -s one thin
vdi read thin | sha1sum
vdi restore thin -s one < $bk
vdi read thin | sha1sum
vdi list
vdi track thin 0
vdi lock list
vdi delete clone
vdi delete -s two thin
vdi list
node recovery
cluster check
L
}

dog_on_ours() {
  c_sheep "$port"
  until_answers "$port"
  transcript "$work/theirs"
  kill "$last"
  sleep 2
  rm -rf "$work/shm"
  bin/sheep -f -p "$port" "$work/ours" >"$work/ours.log" 2>&1 &
  ours=$!
  pids+=("$ours")
  disown "$ours"
  until_answers "$port"
  transcript "$work/ours.txt"
  if diff "$work/theirs" "$work/ours.txt" >"$work/diff"; then
    say ok "dog on our sheep: $(grep -c '^\$ dog' "$work/theirs") commands print the same"
  else
    say BAD "dog on our sheep: output differs"
    cat "$work/diff"
  fi
}

original_mount() { # NAME BINDIR [OPTIONS]: on our sheep, which runs
  local name=$1 bin=$2 m=$work/cmnt-$1
  shift 2
  mkdir -p "$m"
  mounts+=("$m")
  PATH=$bin:$PATH
  check "$name: create" "$orig/dog" vdi create "v$name" 64M -a 127.0.0.1 -p "$port"
  check "$name: mount" "$bin/sheepfs" "$@" -a 127.0.0.1 -p "$port" "$m"
  check "$name: vdi/mount" bash -c "echo v$name > $m/vdi/mount"
  check "$name: dd" dd if="$random" of="$m/volume/v$name" bs=1M conv=notrunc,fsync
  check "$name: dd across objects" dd if="$random" of="$m/volume/v$name" bs=12345 seek=2000 count=500 conv=notrunc,fsync
  same "$name: dog reads the same" "$m/volume/v$name" "v$name"
  rm -f "$work/back"
  dd if="$m/volume/v$name" of="$work/back" bs=128k 2>/dev/null
  check "$name: dd back" cmp -n 10485760 "$random" "$work/back"
  check "$name: umount" fusermount -u "$m"
}

dd if=/dev/urandom of="$random" bs=1M count=10 2>/dev/null
case " ${PARTS:-mount1 mount3 dog sheepfs} " in *" mount1 "*) mount_on_original 1 ;; esac
case " ${PARTS:-mount1 mount3 dog sheepfs} " in *" mount3 "*) mount_on_original 3 ;; esac
case " ${PARTS:-mount1 mount3 dog sheepfs} " in *" dog "*) dog_on_ours ;; esac
case " ${PARTS:-mount1 mount3 dog sheepfs} " in *" sheepfs "*)
  original_mount 1.0 "$orig"
  [ -z "${old:-}" ] || original_mount 0.9 "$old" --objectcache # -o is in its help, and refused
  ;;
esac
exit "$failed"
