#!/usr/bin/env bash
# Tries the .deb in a Debian of its own, as root: install, serve, mount by fstab, upgrade, remove, a
# cluster of three hosts with TLS and rights, purge.
# test-package.sh DEB ROOT; ROOT is made by debootstrap if it is not there, and stays.
set -eu
deb=$(readlink -f "$1")
root=$2
# debootstrap mounts /proc in ROOT; in a namespace of its own that mount ends with it, even when it is
# interrupted. Its folder "debootstrap" is there until it is through.
if [ ! -x "$root/usr/bin/dpkg" ] || [ -d "$root/debootstrap" ]; then
  unshare --mount debootstrap --variant=minbase --include=openjdk-17-jre-headless,fuse3,iproute2,curl,zookeeper bookworm "$root"
fi
cp "$deb" "$root/tmp/sheepfs.deb"
# in namespaces of its own, so that no mount and no process outlives the script
exec unshare --mount --pid --fork --kill-child bash -eu -s "$root" <<'INSIDE'
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero random urandom fuse; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive bash -eu -s <<'CHROOT'
step() { echo "--- $*"; }
step install
find / -xdev \( -path /proc -o -path /run -o -path /dev -o -path /tmp -o -path /var/lib/dpkg \) -prune -o -print | sort >/tmp/before
dpkg -i /tmp/sheepfs.deb
sheepfs doctor
test "$(stat -c %U:%a /var/lib/sheep)" = sheepfs:700

serve() { # DIR OPTION..: as the unit does
  dir=$1
  shift
  command=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/sheep.service | sed "s|\\\$SHEEP_OPTIONS|$*|; s|\\\${SHEEP_DIR}|$dir|; s| -f | |")
  su -s /bin/sh sheepfs -c "cd /; exec env -i $command"
}
pids() { # WHAT: processes of this namespace that have it in their command
  for line in /proc/[0-9]*/cmdline; do
    if tr '\0' ' ' <"$line" 2>/dev/null | grep -q -- "$1"; then
      pid=${line#/proc/}
      echo "${pid%/cmdline}"
    fi
  done
}
end() { # WHAT
  for pid in $(pids "$1"); do
    kill "$pid"
    while [ -e "/proc/$pid" ] && ! grep -q ') Z ' "/proc/$pid/stat"; do sleep 0.1; done
  done
}
eventually() { # COMMAND..
  for _ in $(seq 300); do
    if "$@"; then return; fi
    sleep 0.2
  done
  echo "never: $*" >&2
  exit 1
}

step serve as the unit does
serve /var/lib/sheep -p 17171
dog cluster format -c 1 -p 17171
echo "127.0.0.1:17171 /mnt sheepfs _netdev,noauto,x-systemd.automount,umask=022 0 0" >/etc/fstab
mount /mnt
head -c 20000000 /dev/urandom >/tmp/data
cp /tmp/data /mnt/volume/disk
sheepfs status
umount /mnt

step upgrade with data in place, and while mounted
mount /mnt
dpkg -i /tmp/sheepfs.deb
cmp /tmp/data /mnt/volume/disk
echo changed >/etc/sheepfs/sheep.conf

step remove: saves and unmounts what is mounted
dpkg -r sheepfs
! grep -q fuse.sheepfs /proc/mounts
test -f /etc/sheepfs/sheep.conf

step install again, on the data that is there
dpkg -i /tmp/sheepfs.deb
grep -q changed /etc/sheepfs/sheep.conf
mount /mnt
cmp /tmp/data /mnt/volume/disk
umount /mnt
end io.sheepfs.store.server.Sheep

step a cluster of three, each on a host of its own, with TLS and rights
host() { # NAME COMMAND..: ip netns exec would hide the mounts that are made
  name=$1
  shift
  nsenter --net=/run/netns/$name "$@"
}
ip netns add hub
ip -n hub link add name br0 type bridge
ip -n hub link set br0 up
for n in 1 2 3 9 20; do
  ip netns add h$n
  ip -n h$n link set lo up
  ip -n hub link add v$n type veth peer name eth0 netns h$n
  ip -n hub link set v$n master br0 up
  ip -n h$n addr add 10.98.0.$n/24 dev eth0
  ip -n h$n link set eth0 up
done
mkdir /run/zookeeper
printf 'dataDir=/run/zookeeper\nclientPort=2181\ntickTime=1000\nadmin.enableServer=false\n' >/run/zoo.cfg
host h9 env ZOO_LOG_DIR=/run JMXDISABLE=true /usr/share/zookeeper/bin/zkServer.sh start-foreground /run/zoo.cfg >/run/zookeeper.log 2>&1 </dev/null &
dog tls init /run/tls
for n in 1 2 3; do
  dog tls issue /run/tls sheep$n 10.98.0.$n
  install -d -o sheepfs -m 700 /var/lib/sheep/$n
  cp -r /run/tls/sheep$n /var/lib/sheep/$n.tls
  chown -R sheepfs /var/lib/sheep/$n.tls
done
dog tls issue /run/tls admin
dog tls issue /run/tls desk
printf 'sheep* all\nadmin all\ndesk rw desk-*\n' >/etc/sheepfs/allow
for n in 1 2 3; do
  start() {
    serve /var/lib/sheep/$n -c zookeeper:10.98.0.9:2181/vms -b 10.98.0.$n -z $n \
      --tls /var/lib/sheep/$n.tls --allow /etc/sheepfs/allow --metrics 9100
  }
  export -f serve start
  export n
  host h$n bash -eu -c start
done
admin="--tls /run/tls/admin -a 10.98.0.1"
three() { test "$(host h20 dog node list -r $admin | wc -l)" = 3; }
eventually three
host h20 dog cluster format -c 3 $admin
host h20 dog vdi create secret 8M $admin
echo "10.98.0.1,10.98.0.2,10.98.0.3 /mnt sheepfs _netdev,noauto,tls=/run/tls/desk 0 0" >/etc/fstab
host h20 mount /mnt
cp /tmp/data /mnt/volume/desk-1
test "$(ls /mnt/volume)" = desk-1
! touch /mnt/volume/other 2>/dev/null
! host h20 dog vdi delete secret --tls /run/tls/desk -a 10.98.0.2
! host h20 dog node list -a 10.98.0.2 2>/dev/null
for n in 1 2 3; do
  host h$n curl -sf http://127.0.0.1:9100/metrics | grep -q '^sheepfs_'
  host h$n curl -sf http://127.0.0.1:9100/health
done
kill -9 $(pids /var/lib/sheep/2' ')
check() { host h20 dog vdi check desk-1 $admin >/dev/null 2>&1; }
eventually check
echo 3 >/proc/sys/vm/drop_caches
cmp /tmp/data /mnt/volume/desk-1
umount /mnt
end io.sheepfs.store.server.Sheep
end QuorumPeerMain
rm -f /etc/sheepfs/allow

step purge
rm -rf /var/lib/sheep/* /var/cache/sheepfs/* /etc/fstab
rm -rf /home/*/.local
dpkg -P sheepfs
find / -xdev \( -path /proc -o -path /run -o -path /dev -o -path /tmp -o -path /var/lib/dpkg \) -prune -o -print | sort >/tmp/after
diff /tmp/before /tmp/after | grep -vE '^[0-9,acd]+$|/etc/(passwd|group|shadow|gshadow)-$|/var/log/|/etc/fstab' && { echo "left behind" >&2; exit 1; }
userdel sheepfs 2>/dev/null || true
rm -f /tmp/before /tmp/after /tmp/data /tmp/sheepfs.deb
step done
CHROOT
INSIDE
