# A storage node in a container, from the package:
#   docker build -t sheepfs .
#   docker run -v sheep:/var/lib/sheep --network host sheepfs
# With --network host sheep listens on the host's 127.0.0.1. In a network of its own it has to be told an
# address that others reach, which nothing protects: -b 0.0.0.0 --insecure /var/lib/sheep
# A mount from the same image:
#   docker run --device /dev/fuse --cap-add SYS_ADMIN --network host --entrypoint sheepfs sheepfs -f /mnt
FROM debian:bookworm-slim AS build
RUN apt-get update \
  && apt-get install -y --no-install-recommends openjdk-17-jdk-headless maven unzip
COPY . /src
WORKDIR /src
RUN mvn -B -q package -DskipTests && bash scripts/dist.sh

FROM debian:bookworm-slim
COPY --from=build /src/dist/target/sheepfs_*_all.deb /tmp/sheepfs.deb
RUN apt-get update \
  && apt-get install -y --no-install-recommends openjdk-17-jre-headless /tmp/sheepfs.deb \
  && rm -rf /var/lib/apt/lists/* /tmp/sheepfs.deb
USER sheepfs
VOLUME /var/lib/sheep
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/sheep", "-f"]
CMD ["/var/lib/sheep"]
