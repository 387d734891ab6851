"""Deletion while nodes come and go: nothing of a deleted VDI may be left anywhere, and nothing else may be missing.

usage: deletes.py [--rounds N] [--seconds N] [--seed N] [--directory DIR]

A round makes a VDI of four objects, writes to it, also through a mount with a cache, and to one that stays, kills one
node or another, deletes the VDI and starts nodes again, in random order, with more kills between. Of deleted VDIs only
the inode stays, as the mark that they are deleted, and an attribute without a name, which says that others may be behind
it. Every node's disk, list of objects and open files, and the cache of the mount, are looked at after each fifth round.
As root.
"""

import argparse
import os
import random
import sys
import threading
import time

from lab import NODES, Client, Lab, Refused, eventually

OBJECTS = 4
KEPT = 1 << 63 | 1 << 61  # inodes, and the attributes that a mount leaves for caches: both keep their places
VDI_EXIST, NO_VDI = "0x4", "0x8"


turn = threading.Lock()


class Round:
    def __init__(self, lab, dice):
        self.lab, self.dice = lab, dice

    def insist(self, what, *acceptable):
        """Does what a client does, on any node that runs, until it is done; what was perhaps done may be refused as done."""
        begun = time.monotonic()
        while True:
            if time.monotonic() > begun + 6:
                self.start_all()  # perhaps only those are there that are not up to date
            client = Client(self.lab, "c", self.dice.choice([n for n in NODES if self.lab.is_running(n)] or [1]), 6)
            try:
                return what(client)
            except Refused as e:
                if str(e) in acceptable:
                    return None
                problem = e
            except OSError as e:
                problem = e
            finally:
                client.close()
            if time.monotonic() > begun + 180:
                raise RuntimeError(f"a request is not carried out: {problem}")
            time.sleep(0.1)

    def start_all(self):
        with turn:
            for node in NODES:
                if not self.lab.is_running(node):
                    self.lab.start(node)

    def trouble(self):
        """Kills a node, or starts one that is not there."""
        node = self.dice.choice(NODES)
        with turn:
            if self.lab.is_running(node):
                self.lab.kill(node)
            else:
                self.lab.start(node)


def write_in_mount(step, name, data):
    """Has the cache of the mount hold the VDI, too."""
    failures = []

    def write():
        try:
            with open(f"{step.lab.mountpoint}/volume/{name}", "r+b", buffering=0) as file:
                for i in range(OBJECTS):
                    file.seek(i << 22)
                    file.write(data)
                os.fsync(file.fileno())
        except OSError as e:
            failures.append(e)

    writer = threading.Thread(target=write)
    writer.start()
    writer.join(6)
    if writer.is_alive():
        step.start_all()  # perhaps only those are there that are not up to date
    writer.join()
    if failures:
        raise failures[0]


def one(lab, dice, number, state):
    """A round; in a thread of its own, for the namespace."""
    step = Round(lab, dice)
    name = f"doomed{number}"
    vid = step.insist(lambda c: c.create_vdi(name, OBJECTS << 22), VDI_EXIST)
    while vid is None:  # it was made after all, and nobody knows as what
        name += "x"
        vid = step.insist(lambda c: c.create_vdi(name, OBJECTS << 22), VDI_EXIST)
    data = bytes([number % 255 + 1]) * 4096
    step.insist(lambda c: [c.create(vid, i, data) for i in range(OBJECTS)])
    write_in_mount(step, name, data)
    state["cached"] |= lab.cached()
    other = Round(lab, random.Random(dice.random()))
    deletion = threading.Thread(target=lambda: other.insist(lambda c: c.delete_vdi(name), NO_VDI))
    at = dice.randrange(4)
    for i in range(4):
        if i == at:
            deletion.start()
        if dice.random() < 0.6:
            step.trouble()
        if dice.random() < 0.5:
            index = number % OBJECTS
            step.insist(lambda c: c.write(state["kept"], index, 0, data))
            state["content"][index] = data
        time.sleep(dice.choice([0, 0.05, 0.5]))
    deletion.join()
    state["deleted"].append(name)
    state["vids"].add(vid)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=1 << 30, help="begin no round after that")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--directory")
    args = parser.parse_args()
    dice = random.Random(args.seed)
    begun = time.monotonic()
    lab = Lab("deletes", args.directory, session_millis=1500)
    state = {"deleted": [], "vids": set(), "cached": set(), "content": {}}
    done, failures = 0, []

    def in_thread(work):
        def guarded():
            try:
                work()
            except BaseException as e:
                failures.append(e)
        thread = threading.Thread(target=guarded)
        thread.start()
        thread.join()
        if failures:
            raise failures[0]

    def left():
        """What is left of deleted VDIs in lists, among open files and in the cache; an empty text if nothing is."""
        for node in NODES:
            client = Client(lab, "c", node, 60)
            listed = client.objects()
            client.close()
            found = [f"{oid:016x}" for oid in listed if not oid & KEPT and oid >> 32 in state["vids"]]
            if found:
                return f"node {node} lists {found}"
            found = [name for name in lab.open_files(node) if name.endswith("(deleted)") and "/obj/" in name]
            if found:
                return f"node {node} has open {found}"
        found = [vid for vid in lab.cached() if vid in state["vids"]]
        return f"the cache has VDIs {found}" if found else ""

    def keep():
        client = Client(lab, "c", 1, 60)
        state["kept"] = client.create_vdi("kept", OBJECTS << 22)
        for i in range(OBJECTS):
            client.create(state["kept"], i, b"k" * 4096)
            state["content"][i] = b"k" * 4096

    def check():
        Round(lab, dice).start_all()
        lab.await_synced()
        expected = {f"{state['kept'] << 32 | i:016x}" for i in range(OBJECTS)}

        def right():
            for node in NODES:
                names = {n for n in lab.contents(node) if not int(n, 16) & KEPT}
                if names != expected:
                    return f"node {node}: too many {sorted(names - expected)}, missing {sorted(expected - names)}"
            return None
        eventually("no object of a deleted VDI, and all others", lambda: right() is None, 40) if right() else None
        eventually("three equal disks", lab.replicas_agree, 30)
        try:
            eventually("nothing of a deleted VDI in lists, open files and the cache", lambda: not left(), 60)
        except RuntimeError as e:
            raise RuntimeError(left()) from e
        for i, data in state["content"].items():
            if Round(lab, dice).insist(lambda c, i=i: c.read(state["kept"], i, 0, 4096)) != data:
                raise RuntimeError(f"object {i} of the VDI that stays is wrong")

    try:
        lab.mount()
        in_thread(keep)
        print(f"seed {args.seed}", flush=True)
        while done < args.rounds and time.monotonic() - begun < args.seconds:
            in_thread(lambda: one(lab, dice, done, state))
            done += 1
            if done % 5 == 0:
                in_thread(check)
                print(f"round {done}: disks, lists, open files and cache as they should be", flush=True)
        in_thread(check)
        if not state["cached"] & state["vids"]:
            raise RuntimeError("the cache never had any of them, so it proves nothing")
        code, listed = lab.dog("vdi", "list", "-r")
        if code or set(listed.split()) & set(state["deleted"]):
            raise RuntimeError("a deleted VDI is listed: " + listed)
        print(f"{done} rounds, {len(state['deleted'])} VDIs deleted, nothing left of them and nothing else missing, seed {args.seed}")
    except BaseException:
        print(f"after {done} rounds; logs in", lab.directory)
        lab.close()
        raise
    lab.close()
    lab.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
