"""Partitions between nodes, and between nodes and ZooKeeper, under clients on every side; proves linearizability.

usage: partitions.py [--rounds N] [--seconds N] [--seed N] [--hold SECONDS] [--kinds KIND,..] [--directory DIR]

Each node has two clients in its own network namespace, which talk to that node alone, so whoever is cut off has
clients with it. Every operation on a few registers is recorded with its start, end and outcome; at the end each
register's history is checked. As root.
"""

import argparse
import random
import struct
import sys
import threading
import time

from lab import NODES, Client, Lab, Refused, eventually
from linearizability import is_linearizable

REGISTERS = 6
CLIENTS_PER_NODE = 2
KINDS = ("node off", "nodes apart", "node from ZooKeeper", "one way", "ZooKeeper off", "two off")


class User(threading.Thread):
    def __init__(self, lab, node, number, vid, seed):
        super().__init__(daemon=True)
        self.client = Client(lab, str(node), node, 12)
        self.number, self.vid, self.random = number, vid, random.Random(seed)
        self.history = {register: [] for register in range(REGISTERS)}
        self.successes = []
        self.ended = False

    def longest_wait(self, since, until):
        """The longest time within which none of its operations began and ended well."""
        waits, last = [], since
        for start, end in list(self.successes):
            if end > since:
                waits.append(min(end, until) - last)
                last = max(last, min(end, until))
        return max([until - last, *waits])

    def run(self):
        count = 0
        while not self.ended:
            register = self.random.randrange(REGISTERS)
            start = time.monotonic()
            if self.random.random() < 0.5:
                count += 1
                kind, value = "w", self.number << 32 | count
            else:
                kind, value = "r", None
            try:
                if kind == "w":
                    self.client.write(self.vid, register, 512 * register, struct.pack("<Q", value))
                else:
                    value = struct.unpack("<Q", self.client.read(self.vid, register, 512 * register, 8))[0] or None
                end = time.monotonic()
                self.successes.append((start, end))
            except (OSError, Refused):
                end = None
                self.client.close()  # what was sent may be done yet: this client goes on with another connection
                time.sleep(0.1)
            if kind == "w" or end is not None:
                self.history[register].append((kind, value, start, end))
            time.sleep(0.02)
        self.client.close()


def divide(lab, dice, kinds):
    """Some way to come apart: what it is, how it is healed, and the node that has to stop serving, if it is one."""
    kind = dice.choice(kinds)
    a, b, c = (str(n) for n in dice.sample(NODES, 3))
    if kind == "node off":
        lab.cut(a)
        return f"{kind} {a}", lambda: lab.mend(a), int(a)
    if kind == "ZooKeeper off":
        lab.cut("z")
        return kind, lambda: lab.mend("z"), None
    if kind == "two off":
        lab.cut(a)
        lab.cut(b)
        return f"{kind} {a} {b}", lambda: (lab.mend(a), lab.mend(b)), None
    pairs, alone = [], None
    if kind == "nodes apart":
        pairs = [(a, b), (b, a)] + ([(a, c), (c, a)] if dice.random() < 0.5 else [])
    elif kind == "node from ZooKeeper":
        pairs, alone = [(a, "z"), ("z", a)], int(a)
    else:
        pairs = [dice.choice([(a, b), (a, "z"), ("z", a)])]
    for source, target in pairs:
        lab.silence(source, target)
    return f"{kind} {pairs}", lambda: [lab.hear(s, t) for s, t in pairs], alone


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=1 << 30, help="begin no round after that")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--hold", type=float, help="how long a partition lasts; random without it")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--directory")
    args = parser.parse_args()
    dice = random.Random(args.seed)
    begun = time.monotonic()
    lab = Lab("partitions", args.directory, session_millis=3000)
    done = 0
    try:
        setup = Client(lab, "c", 1, 60)
        made = []

        def prepare():
            vid = setup.create_vdi("registers", REGISTERS << 22)
            for register in range(REGISTERS):
                setup.create(vid, register, bytes(4096))
            made.append(vid)

        thread = threading.Thread(target=prepare)  # the network namespace is a thread's
        thread.start()
        thread.join()
        users = [User(lab, 1 + i % 3, i + 1, made[0], dice.random()) for i in range(CLIENTS_PER_NODE * 3)]
        for user in users:
            user.start()
        print(f"seed {args.seed}")
        accepted, between = 0, 0.0
        while done < args.rounds and time.monotonic() - begun < args.seconds:
            time.sleep(dice.choice([0.5, 1.5]))
            what, heal, alone = divide(lab, dice, args.kinds.split(","))
            since = time.monotonic()
            hold = args.hold or dice.choice([1, 2.5, 6, 9, 15])
            time.sleep(hold)
            until = time.monotonic()
            heal()
            waits = [max(user.longest_wait(since, until) for i, user in enumerate(users) if 1 + i % 3 == node) for node in NODES]
            # who is cut off from ZooKeeper alone reaches the leader, which knows him until ZooKeeper, which looks each tick, ends his session
            limit = lab.session_millis / 1000 + (2 * lab.tick_millis / 1000 if "from ZooKeeper" in what else 0)
            late = sum(1 for i, user in enumerate(users) if alone == 1 + i % 3
                       for start, end in user.successes if start > since + limit and end < until)
            accepted += late
            eventually("all nodes up to date", lab.are_synced)
            seen = [len(user.successes) for user in users]
            eventually("all clients served", lambda: all(len(user.successes) > n for user, n in zip(users, seen)))
            done += 1
            if "off" not in what and "ZooKeeper" not in what and "z" not in what:
                between = max(between, min(waits))
            print(f"round {done}: {what} for {hold} s; {late} answers by a node that was cut off for longer than a session; "
                  f"waits by node: {', '.join(f'{wait:.1f}' for wait in waits)} s", flush=True)
        for user in users:
            user.ended = True
        for user in users:
            user.join(60)
        wrong = operations = unknown = 0
        for register in range(REGISTERS):
            history = [op for user in users for op in user.history[register]]
            operations += len(history)
            unknown += sum(1 for op in history if op[3] is None)
            if not is_linearizable(history):
                wrong += 1
                with open(f"{lab.directory}/history{register}", "w") as file:
                    file.writelines(f"{op}\n" for op in sorted(history, key=lambda op: op[2]))
                print(f"register {register} is not linearizable")
        eventually("three equal disks", lab.replicas_agree, 30)
        print(f"when only nodes were apart, some node served its clients after at most {between:.1f} s, with a session of {lab.session_millis / 1000:g} s")
        print(f"{done} rounds, {operations} operations, {unknown} of unknown outcome, {wrong} of {REGISTERS} registers not linearizable, "
              f"{accepted} answers by a node cut off, seed {args.seed}")
        ok = not wrong and not accepted
    except BaseException:
        print("logs in", lab.directory)
        lab.close()
        raise
    lab.close()
    if ok:
        lab.remove()
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
