#!/usr/bin/env bash
# Packs what was built: dist/target/sheepfs.tar.gz and sheepfs_VERSION_all.deb; the same bytes for the
# same commit.
set -eu
umask 022
export LC_ALL=C TZ=UTC
root=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$root"
stamp=$(sed -n 's|.*<project.build.outputTimestamp>\(.*\)</.*|\1|p' pom.xml)
SOURCE_DATE_EPOCH=$(date -d "$stamp" +%s)
export SOURCE_DATE_EPOCH
version=$(sed -n 's|^  <version>\(.*\)</version>|\1|p' pom.xml | sed 's/-SNAPSHOT/~snapshot/')
work=dist/target/tree
rm -rf "$work"

# Every library is in the list of licences.
for jar in dist/target/sheepfs/lib/*.jar; do
  name=$(basename "$jar" .jar)
  case $name in *-0.1.0-SNAPSHOT | protocol-* | dist-*) continue ;; esac
  name=${name%-native}
  name=${name%-[0-9]*}
  grep -qE "^\| (.*, )?(${name}|${name%%-*}-\*)(,| \|)" packaging/THIRD-PARTY.md \
    || { echo "packaging/THIRD-PARTY.md does not know $name" >&2; exit 1; }
done

# The licences of the libraries, as they carry them themselves.
licenses() {
  local jar name
  mkdir -p "$1"
  for jar in dist/target/sheepfs/lib/*.jar; do
    name=$(basename "$jar" .jar)
    if unzip -Z1 "$jar" | grep -qiE '^(META-INF/)?(LICENSE|NOTICE|license/)'; then
      mkdir -p "$work/unpacked"
      unzip -qo "$jar" 'META-INF/LICENSE*' 'META-INF/NOTICE*' 'META-INF/license/*' 'LICENSE*' \
        -d "$work/unpacked" 2>/dev/null || true
      find "$work/unpacked" -type f | sort | while IFS= read -r text; do
        install -m 644 "$text" "$1/$name-$(basename "$text")"
      done
      rm -rf "$work/unpacked"
    fi
  done
  install -m 644 packaging/THIRD-PARTY.md dist/target/sbom.json "$1"
}

# Completions for bash in $1 and zsh in $2. dog writes its own, word by word.
completions() {
  local program options commands
  mkdir -p "$1" "$2"
  bin/dog completion bash >"$1/dog"
  bin/dog completion zsh >"$2/_dog"
  for program in sheepfs sheep sbd; do
    # a line of options begins with them; others talk of options of other programs
    options=$("bin/$program" --help | grep -E '^ +-' | grep -oE -- '--[a-z][a-z-]+' | sort -u | tr '\n' ' ')
    case $program in
      sheepfs) commands='umount status top flush warm doctor' ;;
      *) commands=$("bin/$program" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' | sort -u | tr '\n' ' ') ;;
    esac
    sed -e "s/@PROGRAM@/$program/g" -e "s/@COMMANDS@/${commands% }/" -e "s/@OPTIONS@/${options% }/" \
      packaging/completion.bash >"$1/$program"
  done
}

# What the packages are made of, for those who have to know (CycloneDX). Here and not in the build,
# since the plugin that writes it has to be had for nothing else.
# shellcheck disable=SC2086
${MVN:-mvn -B -ntp} -q org.cyclonedx:cyclonedx-maven-plugin:2.9.1:makeBom -pl dist -am -DoutputFormat=json \
  -DoutputName=sbom -DincludeTestScope=false -DincludeBomSerialNumber=false

programs() {
  mkdir -p "$1/bin" "$1/lib"
  install -m 755 bin/* "$1/bin"
  chmod 644 "$1/bin/launch.sh"
  install -m 644 dist/target/sheepfs/lib/*.jar "$1/lib"
}

tree=$work/sheepfs
programs "$tree"
cp -r docs LICENSE README.md CHANGELOG.md packaging "$tree"
licenses "$tree/licenses"
completions "$tree/completions" "$tree/completions/zsh"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --mode=go-w \
  -C "$work" -cf - sheepfs | gzip -n >dist/target/sheepfs.tar.gz
echo "dist/target/sheepfs.tar.gz"

command -v dpkg-deb >/dev/null 2>&1 || { echo "No .deb: there is no dpkg-deb"; exit 0; }
deb=$work/deb
usr=$deb/usr
programs "$usr/lib/sheepfs"
mkdir -p "$usr/bin" "$usr/sbin" "$deb/etc/sheepfs" "$deb/DEBIAN" "$usr/share/doc/sheepfs/examples" \
  "$usr/lib/systemd/system" "$usr/lib/sysusers.d" "$usr/lib/tmpfiles.d" \
  "$usr/share/man/man5" "$usr/share/man/man8"
for program in sheepfs sheep dog sbd; do
  ln -s "../lib/sheepfs/bin/$program" "$usr/bin/$program"
done
for type in sheepfs fuse.sheepfs; do
  ln -s ../lib/sheepfs/bin/mount.sheepfs "$usr/sbin/mount.$type"
  ln -s ../lib/sheepfs/bin/umount.sheepfs "$usr/sbin/umount.$type"
done
install -m 644 packaging/systemd/*.service "$usr/lib/systemd/system"
install -m 644 packaging/systemd/sysusers.conf "$usr/lib/sysusers.d/sheepfs.conf"
install -m 644 packaging/systemd/tmpfiles.conf "$usr/lib/tmpfiles.d/sheepfs.conf"
install -m 640 packaging/etc/sheep.conf "$deb/etc/sheepfs"
install -m 644 packaging/etc/mount.conf.example packaging/grafana/sheepfs.json \
  "$usr/share/doc/sheepfs/examples"
for page in docs/man/*.[58]; do
  gzip -9n <"$page" >"$usr/share/man/man${page##*.}/${page##*/}.gz"
done
ln -s mount.sheepfs.8.gz "$usr/share/man/man8/umount.sheepfs.8.gz"
install -m 644 README.md packaging/debian/copyright "$usr/share/doc/sheepfs"
gzip -9n <CHANGELOG.md >"$usr/share/doc/sheepfs/changelog.gz"
cp -r docs "$usr/share/doc/sheepfs/docs"
licenses "$usr/share/doc/sheepfs/licenses"
completions "$usr/share/bash-completion/completions" "$usr/share/zsh/vendor-completions"
install -m 755 packaging/debian/p* "$deb/DEBIAN"
echo /etc/sheepfs/sheep.conf >"$deb/DEBIAN/conffiles"
sed -e "s/@VERSION@/$version/" \
  -e "s/@SIZE@/$(find "$deb" -type f -printf '%s\n' | awk '{ s += int(($1 + 1023) / 1024) } END { print s }')/" \
  packaging/debian/control >"$deb/DEBIAN/control"
(cd "$deb" && find usr etc -type f | sort | xargs -d '\n' md5sum >DEBIAN/md5sums)
find "$deb" -type d -exec chmod 755 {} +
find "$deb" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$deb" "dist/target/sheepfs_${version}_all.deb" >/dev/null
echo "dist/target/sheepfs_${version}_all.deb"
