#!/usr/bin/env bash
# Installs what building, running and testing need and is not there yet. Without anything missing
# it does not even ask apt.
set -eu

missing=()
need() { # program package
  command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] || missing+=("$2")
}

has_jdk() {
  local javac version
  for javac in "${JAVA_HOME:-/nonexistent}/bin/javac" "$(command -v javac || true)"; do
    [ -x "$javac" ] || continue
    version=$("$javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
    [ -n "$version" ] && [ "$version" -ge 17 ] && return 0
  done
  return 1
}

has_jdk || missing+=(openjdk-17-jdk-headless)
need mvn maven
need fusermount3 fuse3
compgen -G '/lib/*/libfuse.so.2' >/dev/null || compgen -G '/usr/lib*/libfuse.so.2' >/dev/null \
  || missing+=(libfuse2)
need fio fio
need qemu-img qemu-utils
need stress-ng stress-ng
need qemu-storage-daemon qemu-system-common
need nbdinfo libnbd-bin
need openssl openssl
need mkfs.ext4 e2fsprogs
need mkfs.xfs xfsprogs
need getfattr attr
need losetup mount
need fallocate util-linux
need python3 python3
need unzip unzip
need setpriv util-linux

[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "These packages (Debian's names) are missing; install them and try again: ${missing[*]}" >&2
  exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
  sudo=sudo
  command -v sudo >/dev/null 2>&1 || {
    echo "Missing packages; as root: apt-get install ${missing[*]}" >&2
    exit 1
  }
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get -q update >/dev/null
$sudo apt-get -q -y install --no-install-recommends "${missing[@]}" >/dev/null
