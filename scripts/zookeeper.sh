#!/usr/bin/env bash
# Runs one ZooKeeper server, for trying a cluster on one machine: zookeeper.sh CONFIG
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
here=$root/bin/zookeeper
. "$root/bin/launch.sh"
exec "$JAVA" -XX:+UseSerialGC -Xmx128m -Dzookeeper.admin.enableServer=false \
  -Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
  -cp "$LIB/*:$root/dist/target/zookeeper/*" org.apache.zookeeper.server.quorum.QuorumPeerMain "$1"
