/*
 * A file system of one file that holds nothing: reads give zeros, writes are dropped. It is what the
 * mounts of NullMount.java are compared with: the same tree, the same answers to INIT and OPEN, and
 * no work behind them, so that the way to the kernel and back is all that is measured.
 *
 *   nullfs MOUNTPOINT BYTES       stays in the foreground; MOUNTPOINT/disk is the file
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOT = 1, DISK = 2, MAX_REQUEST = 1 << 20 };

static const double valid_seconds = 1;
static off_t disk_bytes;
static char zeros[MAX_REQUEST] __attribute__((aligned(4096)));

/* fuse_open_out: libfuse 3.14 does not know all of its flags, so that we write it ourselves. */
struct open_out {
  uint64_t handle;
  uint32_t flags;
  uint32_t unused;
};
enum { OPEN_DIRECT_IO = 1, OPEN_PARALLEL_DIRECT_WRITES = 1 << 6 };

static struct stat attributes(fuse_ino_t inode) {
  struct stat stat = {.st_ino = inode, .st_nlink = 1, .st_mode = S_IFREG | 0600};
  if (inode == ROOT) {
    stat.st_nlink = 2;
    stat.st_mode = S_IFDIR | 0700;
  } else {
    stat.st_size = disk_bytes;
    stat.st_blocks = disk_bytes / 512;
  }
  return stat;
}

static void null_init(void *data, struct fuse_conn_info *connection) {
  (void)data;
  connection->max_write = MAX_REQUEST;
  connection->max_background = 64;
  connection->congestion_threshold = 48;
}

static void null_lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
  if (parent != ROOT || strcmp(name, "disk") != 0) {
    fuse_reply_err(request, ENOENT);
    return;
  }
  struct fuse_entry_param entry = {.ino = DISK,
                                   .attr = attributes(DISK),
                                   .attr_timeout = valid_seconds,
                                   .entry_timeout = valid_seconds};
  fuse_reply_entry(request, &entry);
}

static void null_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
  (void)file;
  struct stat stat = attributes(inode);
  fuse_reply_attr(request, &stat, valid_seconds);
}

static void null_setattr(fuse_req_t request, fuse_ino_t inode, struct stat *wanted, int which,
                         struct fuse_file_info *file) {
  (void)wanted;
  (void)which;
  null_getattr(request, inode, file);
}

static void null_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
  (void)inode;
  struct open_out out = {
      .flags = file->flags & O_DIRECT ? OPEN_DIRECT_IO | OPEN_PARALLEL_DIRECT_WRITES : 0};
  fuse_reply_buf(request, (const char *)&out, sizeof out);
}

static void null_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
                      struct fuse_file_info *file) {
  (void)inode;
  (void)file;
  size_t left = offset < disk_bytes ? (size_t)(disk_bytes - offset) : 0;
  fuse_reply_buf(request, zeros, size < left ? size : left);
}

static void null_write(fuse_req_t request, fuse_ino_t inode, const char *data, size_t size,
                       off_t offset, struct fuse_file_info *file) {
  (void)inode;
  (void)data;
  (void)offset;
  (void)file;
  fuse_reply_write(request, size);
}

static void null_done(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file) {
  (void)inode;
  (void)file;
  fuse_reply_err(request, 0);
}

static void null_fsync(fuse_req_t request, fuse_ino_t inode, int data_only,
                       struct fuse_file_info *file) {
  (void)data_only;
  null_done(request, inode, file);
}

static const struct fuse_lowlevel_ops operations = {.init = null_init,
                                                    .lookup = null_lookup,
                                                    .getattr = null_getattr,
                                                    .setattr = null_setattr,
                                                    .open = null_open,
                                                    .read = null_read,
                                                    .write = null_write,
                                                    .flush = null_done,
                                                    .release = null_done,
                                                    .fsync = null_fsync};

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: nullfs MOUNTPOINT BYTES\n");
    return 1;
  }
  disk_bytes = atoll(arguments[2]);
  char *options[] = {arguments[0], "-o", "fsname=null,subtype=null,default_permissions"};
  struct fuse_args args = FUSE_ARGS_INIT(3, options);
  struct fuse_session *session = fuse_session_new(&args, &operations, sizeof operations, NULL);
  if (session == NULL || fuse_set_signal_handlers(session) != 0 ||
      fuse_session_mount(session, arguments[1]) != 0) {
    return 1;
  }
  struct fuse_loop_config *loop = fuse_loop_cfg_create();
  fuse_loop_cfg_set_clone_fd(loop, 1);
  fuse_loop_cfg_set_max_threads(loop, 96);
  fuse_loop_cfg_set_idle_threads(loop, 8);
  int result = fuse_session_loop_mt(session, loop);
  fuse_loop_cfg_destroy(loop);
  fuse_session_unmount(session);
  fuse_remove_signal_handlers(session);
  fuse_session_destroy(session);
  return result != 0;
}
