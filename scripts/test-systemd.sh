#!/usr/bin/env bash
# Tries the units of the .deb under a systemd of their own, as root: start, mount, fstab, kill -9 and
# restart, NBD, stop. test-systemd.sh DEB ROOT; ROOT is made by debootstrap if it is not there, and stays.
# Prints what it did, and ends with 1 if a step failed.
set -eu
deb=$(readlink -f "$1")
root=$(readlink -m "$2")
if [ ! -x "$root/usr/bin/dpkg" ] || [ -d "$root/debootstrap" ]; then
  unshare --mount debootstrap --variant=minbase --include=openjdk-17-jre-headless,fuse3,systemd,systemd-sysv,dbus,libnbd-bin bookworm "$root"
fi
cp "$deb" "$root/root/sheepfs.deb"
rm -f "$root/root/result"
cat >"$root/root/steps" <<'STEPS'
#!/bin/bash
exec >/root/result 2>&1
trap 'code=$?; echo "exit $code"; journalctl --no-pager -b -n 30 -p warning 2>/dev/null; systemctl poweroff --force --force' EXIT
set -eu
step() { echo "--- $*"; }
eventually() {
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  echo "never: $*"
  return 1
}
step install
DEBIAN_FRONTEND=noninteractive dpkg -i /root/sheepfs.deb
systemd-analyze verify --man=no sheep.service sheepfs@vms.service sbd@vms.service

step sheep
systemctl enable --now sheep
systemctl is-active sheep
test "$(stat -c %U "/proc/$(systemctl show -P MainPID sheep)")" = sheepfs
dog cluster format -c 1

step sheepfs@vms
mkdir -p /mnt/vms /mnt/fstab
printf 'SHEEPFS_MOUNTPOINT=/mnt/vms\nSHEEPFS_OPTIONS="-a 127.0.0.1"\n' >/etc/sheepfs/vms.conf
systemctl start sheepfs@vms
head -c 20000000 /dev/urandom >/root/data
cp /root/data /mnt/vms/volume/disk

step sheep is killed and comes back by itself
pid=$(systemctl show -P MainPID sheep)
kill -9 "$pid"
again() { # UNIT: runs with another process than before; "active" it is only when it has said so
  now=$(systemctl show -P MainPID "$1")
  test "$now" != 0 && test "$now" != "$pid" && systemctl is-active --quiet "$1"
}
eventually again sheep
cp /root/data /mnt/vms/volume/disk2
cmp /root/data /mnt/vms/volume/disk2

step sheepfs is killed and comes back by itself, with what was not yet saved
dd if=/root/data of=/mnt/vms/volume/disk bs=1M seek=10 conv=notrunc status=none
pid=$(systemctl show -P MainPID sheepfs@vms)
kill -9 "$pid"
eventually again sheepfs@vms
echo 3 >/proc/sys/vm/drop_caches
cmp /root/data /mnt/vms/volume/disk2
cmp -n 10485760 /root/data /mnt/vms/volume/disk
cmp /root/data <(tail -c +10485761 /mnt/vms/volume/disk)

step fstab
echo '127.0.0.1 /mnt/fstab sheepfs _netdev,noauto,x-systemd.automount,x-systemd.requires=sheep.service,umask=022 0 0' >>/etc/fstab
systemctl daemon-reload
if [ -e /dev/autofs ]; then
  systemctl start mnt-fstab.automount # mounted when it is looked at
else
  echo "this kernel has no automount"
  systemctl start mnt-fstab.mount
fi
cmp /root/data /mnt/fstab/volume/disk2
findmnt -t fuse.sheepfs /mnt/fstab
systemctl stop mnt-fstab.automount mnt-fstab.mount 2>/dev/null || systemctl stop mnt-fstab.mount

step sbd@nbd
printf 'SBD_OPTIONS="--listen 127.0.0.1:10809"\n' >/etc/sheepfs/nbd.conf
systemctl start sbd@nbd
nbdinfo --list nbd://127.0.0.1:10809
systemctl stop sbd@nbd

step stop
systemctl stop sheepfs@vms
! grep -q fuse.sheepfs /proc/mounts
systemctl stop sheep
systemctl --no-pager --failed
test -z "$(systemctl --failed --no-legend | grep -E 'sheep|sbd|mnt')"
systemd-analyze --no-pager security sheep.service | tail -n 1
step done
STEPS
chmod 755 "$root/root/steps"
cat >"$root/etc/systemd/system/steps.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/root/steps
[Install]
WantedBy=default.target
UNIT
ln -sf multi-user.target "$root/etc/systemd/system/default.target" 2>/dev/null || true
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../steps.service "$root/etc/systemd/system/multi-user.target.wants/steps.service"
sed -i 's/^After=multi-user.target$/After=basic.target dbus.service/' "$root/etc/systemd/system/steps.service"
# in namespaces of its own, so that no mount and no process outlives the script
timeout --kill-after=10 "${SECONDS_AT_MOST:-600}" unshare --mount --pid --fork --kill-child --uts --ipc --cgroup --net bash -eu -s "$root" <<'INSIDE' >/dev/null 2>&1 || true
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero full random urandom fuse tty autofs; do
  [ -e "/dev/$device" ] || continue
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"
ip link set lo up
hostname sheep-test
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" /lib/systemd/systemd --log-target=journal
INSIDE
cat "$root/root/result"
grep -q '^exit 0$' "$root/root/result"
