# Shared by the scripts that mount, which source it.

# Whether a FUSE file system is mounted at exactly $1, alive or dead.
mounted() {
  findmnt --noheadings --raw --output TARGET --types fuse,fuse.sheepfs \
    --mountpoint "$(readlink -m -- "$1")" >/dev/null
}
