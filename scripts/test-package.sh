#!/usr/bin/env bash
# Tries the .deb in a Debian of its own, as root: install, serve, mount by fstab, upgrade, remove,
# purge. test-package.sh DEB ROOT; ROOT is made by debootstrap if it is not there, and stays.
set -eu
deb=$(readlink -f "$1")
root=$2
# debootstrap mounts /proc in ROOT; in a namespace of its own that mount ends with it, even when it is
# interrupted. Its folder "debootstrap" is there until it is through.
if [ ! -x "$root/usr/bin/dpkg" ] || [ -d "$root/debootstrap" ]; then
  unshare --mount debootstrap --variant=minbase --include=openjdk-17-jre-headless,fuse3 bookworm "$root"
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
for device in null zero urandom fuse; do
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

step serve as the unit does
options=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/sheep.service | sed 's|\$SHEEP_OPTIONS|-p 17171|; s|\${SHEEP_DIR}|/var/lib/sheep|; s| -f | |')
su -s /bin/sh sheepfs -c "cd /; exec env -i $options"
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
for stat in /proc/[0-9]*/stat; do
  pid=${stat#/proc/}
  pid=${pid%/stat}
  if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q io.sheepfs.store.server.Sheep; then
    kill "$pid"
    while [ -e "/proc/$pid" ] && ! grep -q ') Z ' "/proc/$pid/stat"; do sleep 0.1; done
  fi
done

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
