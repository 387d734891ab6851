#!/usr/bin/env bash
# Run JMH benchmarks: microbench.sh ARGUMENTS-OF-JMH (-h lists them), after a build.
set -eu
cd "$(dirname "$0")/.."
java=java
[ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
exec "$java" -cp 'microbench/target/classes:microbench/target/lib/*' org.openjdk.jmh.Main "$@"
