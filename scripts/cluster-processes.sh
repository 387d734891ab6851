# Shared by the scripts of a cluster on one machine, which source it: its processes, each with a
# file in $store/run that holds its number. $root, $store and $port are set.

all="zookeeper sheep1 sheep2 sheep3"

# The process of a part; empty if it does not run. A number may have gone to another process since.
pid_of() {
  local pid
  pid=$(cat "$store/run/$1.pid" 2>/dev/null) || return 0
  if { tr '\0' '\n' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF -- "$store/"; then echo "$pid"; fi
}

# The names of the parts that run, by blanks.
running() {
  local name found=
  for name in $all; do
    [ -z "$(pid_of "$name")" ] || found=$found${found:+ }$name
  done
  echo "$found"
}

start() { # NAME COMMAND.., which has to become the process itself
  local name=$1
  shift
  setsid "$@" </dev/null >>"$store/$name.log" 2>&1 9<&- &
  echo $! >"$store/run/$name.pid"
}

await() { # SECONDS WHAT COMMAND..
  local end=$((SECONDS + $1)) what=$2 name
  shift 2
  until "$@"; do
    for name in $all; do
      if [ -e "$store/run/$name.pid" ] && ! kill -0 "$(cat "$store/run/$name.pid")" 2>/dev/null; then
        echo "$name has ended, before: $what" >&2
        return 1
      fi
    done
    if [ $SECONDS -ge $end ]; then
      echo "It does not come to: $what" >&2
      return 1
    fi
    sleep 0.3
  done
}

answers() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

three_there() {
  local i
  for i in 0 1 2; do
    [ "$("$root/bin/dog" node list -r -p $((port + i)) 2>/dev/null | wc -l)" = 3 ] || return 1
  done
}

serves() {
  "$root/bin/dog" vdi list -p "$port" >/dev/null 2>&1
}

# Ends the parts that run, ZooKeeper last, and waits; who does not end within a minute ends by force.
stop_all() {
  local name hard=0
  for name in sheep1 sheep2 sheep3; do
    ask_to_end "$name"
  done
  for name in sheep1 sheep2 sheep3; do
    await_end "$name" || hard=1
  done
  ask_to_end zookeeper
  await_end zookeeper || hard=1
  return "$hard"
}

ask_to_end() {
  local pid
  pid=$(pid_of "$1")
  [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || true
}

# Whether a process is ours still. Without a command line it is ending, but may hold its ports; a
# zombie holds nothing.
is_there() { # PART PID
  { grep -q '^State:[[:space:]]*[^ZX]' "/proc/$2/status"; } 2>/dev/null || return 1
  [ -n "$(pid_of "$1")" ] || [ "$({ wc -c <"/proc/$2/cmdline"; } 2>/dev/null)" = 0 ]
}

await_end() {
  local pid end=$((SECONDS + 60)) hard=0
  pid=$(cat "$store/run/$1.pid" 2>/dev/null) || return 0
  while is_there "$1" "$pid"; do
    if [ $SECONDS -ge $end ]; then
      [ $hard = 1 ] || echo "$1 does not end; killing it" >&2
      [ -z "$(pid_of "$1")" ] || kill -9 "$pid" 2>/dev/null || true
      hard=1
    fi
    sleep 0.1
  done
  return "$hard"
}
