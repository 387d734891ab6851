#!/usr/bin/env bash
# Packs bin, lib and docs as dist/target/sheepfs.tar.gz, the same bytes for the same commit.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$root"
tree=dist/target/tree/sheepfs
rm -rf dist/target/tree
mkdir -p "$tree"
cp -r bin docs LICENSE README.md CHANGELOG.md "$tree"
mkdir "$tree/lib"
cp dist/target/sheepfs/lib/*.jar "$tree/lib"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime='2026-11-21 00:00:00Z' \
  -C dist/target/tree -cf - sheepfs | gzip -n >dist/target/sheepfs.tar.gz
echo "dist/target/sheepfs.tar.gz"
