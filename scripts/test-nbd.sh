#!/usr/bin/env bash
# Tries 'sbd map --nbd' on a kernel that has nbd: Debian's, in a virtual machine without acceleration that runs
# the programs of this tree ('make build' first). As root. test-nbd.sh WORK; WORK keeps the kernel for the next
# time. Prints what it did, and ends with 1 if a step failed.
set -eu
tree=$(cd "$(dirname "$0")/.." && pwd -P)
work=$(readlink -m "$1")
[ -d "$tree/dist/target/sheepfs/lib" ] || { echo "run 'make build' first" >&2; exit 2; }
declare -A package=([qemu-system-x86_64]=qemu-system-x86 [busybox]=busybox-static [depmod]=kmod [cpio]=cpio [nbd-client]=nbd-client
  [mkfs.xfs]=xfsprogs [sfdisk]=fdisk [mkfs.ext4]=e2fsprogs)
for program in "${!package[@]}"; do
  command -v "$program" >/dev/null || { echo "$program is missing: apt-get install ${package[$program]}" >&2; exit 2; }
done

mkdir -p "$work"
cd "$work"
if [ ! -d kernel ]; then
  name=$(apt-cache depends --important linux-image-amd64 | sed -n 's/.*Depends: //p' | head -n 1)
  apt-get download -q "$name"
  dpkg-deb -x "$name"_*.deb kernel.new
  rm -f "$name"_*.deb
  depmod -b "$PWD/kernel.new" "$(ls kernel.new/lib/modules)"
  mv kernel.new kernel
fi
version=$(ls kernel/lib/modules)

rm -rf first share
mkdir -p first/{bin,modules,proc,sys,dev,host,own,root} share
cp "$(command -v busybox)" first/bin/busybox
for module in 9p 9pnet_virtio virtio_pci overlay; do
  modprobe -d "$PWD/kernel" -S "$version" --show-depends "$module"
done | awk '/^insmod/ && !seen[$2]++ { print $2 }' | cat -n | while read -r number module; do
  cp "$module" "first/modules/$(printf '%02d' "$number").ko"
done
# the machine has the files of this one; what it writes stays in its memory
cat >first/init <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*; do insmod $module; done
share() { mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro "$1" "$2"; }
share host /host
mount -t tmpfs own /own
mkdir /own/upper /own/work
mount -t overlay -o lowerdir=/host,upperdir=/own/upper,workdir=/own/work overlay /root
for move in dev proc sys; do mount --move /$move /root/$move; done
for memory in tmp run mnt dev/shm; do mkdir -p /root/$memory; mount -t tmpfs memory /root/$memory; done
mkdir -p /root/lib/modules /root/mnt/tree /root/mnt/share
share modules /root/lib/modules
share tree /root/mnt/tree
share share /root/mnt/share
exec switch_root /root /bin/bash /mnt/share/steps
INIT
chmod +x first/init
(cd first && find . | cpio -o -H newc 2>/dev/null | gzip -1) >first.gz

cat >share/steps <<'STEPS'
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
bin=/mnt/tree/bin
trap 'code=$?; set +e; [ $code = 0 ] || tail -n 20 /run/sheepfs/sbd/*/log /var/log/sheep.log; echo "exit $code"; sync; echo o >/proc/sysrq-trigger; sleep 60' EXIT
set -eu -o pipefail
ip link set lo up
step() { echo "--- $(cut -d ' ' -f 1 /proc/uptime) $*"; }
sbd() { "$bin/sbd" "$@"; }
dog() { "$bin/dog" "$@"; }
refused() { # WORDS COMMAND..: fails, and says so in words
  local words=$1
  shift
  if "$@" >/tmp/said 2>&1; then echo "not refused: $*"; return 1; fi
  grep -q "$words" /tmp/said || { cat /tmp/said; return 1; }
}
eventually() {
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  echo "never: $*"
  return 1
}
start_sheep() {
  "$bin/sheep" -f -p 7000 /mnt/data/node >>/var/log/sheep.log 2>&1 &
  sheep=$!
  eventually dog node list
}
objects() { find /mnt/data/node/obj -name '00*' | wc -l; }
nothing_left() {
  ! ls /sys/block/nbd*/pid /dev/sbd* 2>/dev/null && [ -z "$(servers)" ]
}
servers() { # the pids of sbd's servers
  for line in /proc/[0-9]*/cmdline; do
    if tr '\0' ' ' <"$line" 2>/dev/null | grep -q 'sheepfs.sbd.Sbd serve'; then basename "$(dirname "$line")"; fi
  done
}

step a disk for the sheep
modprobe virtio_blk
modprobe ext4
modprobe xfs
mkdir /mnt/data /mnt/a /mnt/b
mkfs.ext4 -q /dev/vda
mount /dev/vda /mnt/data
start_sheep
dog cluster format -c 1
dog vdi create disk 512M

step map
device=$(sbd map --nbd 127.0.0.1 7000 disk)
test "$device" = /dev/sbd0
node=$(readlink -f /dev/sbd0)
case $node in /dev/nbd*) ;; *) echo "it is $node"; false ;; esac
test "$(blockdev --getsize64 /dev/sbd0)" = $((512 << 20))
test "$(ls "/sys/block/${node#/dev/}/mq" | wc -l)" -ge 2
sbd list
sbd status disk
sbd map --nbd 127.0.0.1 7000 disk 2>&1 | grep -q 'mapped already'
refused 'there is no\|cannot connect\|not found' sbd map --nbd 127.0.0.1 7000 nothing
refused 'cannot connect' sbd map --nbd 127.0.0.1 7000 disk@none

step partitions, ext4 and xfs
printf 'label: gpt\nsize=200M\n,\n' | sfdisk -q /dev/sbd0
sbd map --nbd 127.0.0.1 7000 disk 2>/dev/null
ls -l /dev/sbd0p1 /dev/sbd0p2
mkfs.ext4 -q -b 4096 -E lazy_itable_init=0,lazy_journal_init=0 /dev/sbd0p1 # nothing is written later by itself
mkfs.xfs -q /dev/sbd0p2
mount /dev/sbd0p1 /mnt/a
mount /dev/sbd0p2 /mnt/b
refused 'in use by a file system' sbd unmap disk

step fstrim gives the space back
sync -f /mnt/a
before=$(objects)
dd if=/dev/urandom of=/mnt/a/big bs=1M count=120 status=none
sync -f /mnt/a
full=$(objects)
rm /mnt/a/big
sync -f /mnt/a
fstrim -v /mnt/a
echo "objects: $before, with the file $full, then $(objects)"
test "$full" -ge $((before + 28))
test "$(objects)" -le $((before + 8))

step everything is killed, mapped again, and the file systems are clean
head -c 5000000 /dev/urandom >/tmp/file
for m in /mnt/a /mnt/b; do
  cp /tmp/file $m/file
  sync -f $m
  dd if=/dev/urandom of=$m/unsynced bs=1M count=8 status=none
done
kill -9 $(servers) $sheep
sbd list -r | grep ' dead$'
umount -l /mnt/a
umount -l /mnt/b
start_sheep
sbd map --nbd --timeout 600 127.0.0.1 7000 disk 2>/tmp/said # this machine is slow
cat /tmp/said
grep -q 'removing what is left' /tmp/said
e2fsck -p /dev/sbd0p1 || test $? = 1
e2fsck -fn /dev/sbd0p1
mount /dev/sbd0p2 /mnt/b # plays its log
cmp /tmp/file /mnt/b/file
umount /mnt/b
xfs_repair -n /dev/sbd0p2 2>&1 | tail -n 1
mount /dev/sbd0p1 /mnt/a
cmp /tmp/file /mnt/a/file
umount /mnt/a

step the sheep goes away under load, and comes back
dd if=/dev/urandom of=/tmp/random bs=1M count=32 status=none
dd if=/tmp/random of=/dev/sbd0 bs=64k seek=5000 oflag=direct status=none &
load=$!
sleep 1
kill -9 $sheep
sleep 2
start_sheep
wait $load
dd if=/dev/sbd0 bs=64k skip=5000 count=512 iflag=direct status=none | cmp -n $((32 << 20)) /tmp/random

step unmap, a snapshot, and the table
sbd unmap disk
nothing_left
dog vdi snapshot -s one disk
printf '127.0.0.1 7000 disk@one nbd,id=7\n127.0.0.1 7000 disk nbd,timeout=30\n' >/tmp/sbdtab
sbd map --all --table /tmp/sbdtab | tr '\n' ' '
test "$(blockdev --getro /dev/sbd7)" = 1
dd if=/dev/sbd7 bs=64k skip=5000 count=512 iflag=direct status=none | cmp -n $((32 << 20)) /tmp/random

step a sheep that stays away is an error, not a hang
kill -9 $sheep
refused 'Input/output error' dd if=/dev/zero of=/dev/sbd0 bs=4k count=1 oflag=direct
start_sheep
eventually dd if=/dev/sbd0 of=/dev/null bs=4k count=1 iflag=direct
sbd unmap --all
nothing_left

step beside the loop device, read and written over both
modprobe fuse
modprobe loop
sbd map 127.0.0.1 7000 disk --id 9
test "$(readlink -f /dev/sbd9 | cut -c 1-9)" = /dev/loop
dd if=/dev/sbd9 bs=64k skip=5000 count=512 iflag=direct status=none | cmp -n $((32 << 20)) /tmp/random
sbd unmap 9
umount /mnt/b 2>/dev/null || true
kill $sheep
wait $sheep
step done
STEPS

rm -f disk result
truncate -s 4G disk
share() { printf -- '-virtfs local,path=%s,mount_tag=%s,security_model=none,readonly=on,multidevs=remap ' "$1" "$2"; }
# one thread: with two, code that Java has just made was not seen by the other processor, and Java crashed
# shellcheck disable=SC2046
timeout 2400 qemu-system-x86_64 -accel tcg,thread=single -cpu Nehalem -smp 2 -m 3072 -kernel "kernel/boot/vmlinuz-$version" \
  -initrd first.gz -append 'console=ttyS0 quiet panic=-1 mitigations=off' -no-reboot -nographic -nodefaults -serial stdio \
  -drive file=disk,format=raw,if=virtio,cache=writeback $(share / host) $(share "$work/kernel/lib/modules" modules) \
  $(share "$tree" tree) $(share "$work/share" share) </dev/null | stdbuf -o0 tr -d '\r' | tee result
rm -f disk first.gz
grep -q '^exit 0$' result
