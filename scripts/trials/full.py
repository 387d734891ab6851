"""Full disks: a mount writes until there is no space, with three small disks of which one is smaller.

usage: full.py [--directory DIR]

Fails unless the writer gets ENOSPC, and no other error, at last, while all nodes stay; everything that was
acknowledged can be read, the three disks are equal, what is there can still be overwritten, and there is space again
after the VDI that filled the disks is deleted. As root.
"""

import argparse
import errno
import os
import sys
import time

from lab import NODES, Lab, eventually


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory")
    args = parser.parse_args()
    sizes = {1: "160m", 2: "96m", 3: "128m"}
    lab = Lab("full", args.directory, sizes=sizes)
    wrong = []
    try:
        lab.mount("--cache-mode", "off", "--pagecache", "off")
        path = lab.mountpoint + "/volume/disk"
        with open(path, "wb") as file:
            file.truncate(1 << 30)
        file = os.open(path, os.O_RDWR)
        written, error = 0, None
        while error is None and written < 1 << 10:
            before = [n for n in NODES if lab.is_running(n)]
            try:
                os.pwrite(file, bytes([written % 251 + 1]) * (1 << 20), written << 20)
                written += 1
            except OSError as e:
                error = e
            gone = [n for n in before if not lab.is_running(n)]
            if gone:
                wrong.append(f"node {gone} has left after {written} MiB")
        print(f"after {written} MiB the writer gets: {error}; nodes that run: {[n for n in NODES if lab.is_running(n)]}", flush=True)
        if error is None or error.errno != errno.ENOSPC:
            wrong.append("not ENOSPC")

        def read_all():
            for i in range(written):
                if os.pread(file, 1 << 20, i << 20) != bytes([i % 251 + 1]) * (1 << 20):
                    wrong.append(f"MiB {i}")
        read_all()
        for i in range(0, written, 7):  # takes no space
            os.pwrite(file, bytes([i % 251 + 1]) * (1 << 20), i << 20)
        try:
            with open(path + "3", "wb") as other:
                other.truncate(64 << 20)
                os.pwrite(other.fileno(), b"y" * (1 << 20), 0)
            wrong.append("there is space for another disk")
        except OSError as e:
            if e.errno != errno.ENOSPC:
                wrong.append(str(e))
        os.fsync(file)
        eventually("three equal disks", lab.replicas_agree, 30)
        read_all()
        print(f"all {written} MiB read back: {'right' if not wrong else wrong[:5]}", flush=True)
        os.close(file)
        os.unlink(path)
        time.sleep(1)
        if [node for node in NODES if not lab.is_running(node)]:
            raise RuntimeError(f"a node has left: {wrong}")
        lab.await_synced()
        with open(path + "2", "wb") as again:
            again.write(b"x" * (8 << 20))
            os.fsync(again.fileno())
        print("deleted; the three nodes take 8 MiB more", flush=True)
    except BaseException:
        print("logs in", lab.directory)
        lab.close()
        raise
    lab.close()
    if not wrong:
        lab.remove()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
