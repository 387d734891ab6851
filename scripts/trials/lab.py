"""A ZooKeeper, three sheep and a client, each in a network namespace of its own, and ways to hurt them."""

import ctypes
import glob
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("SHEEPFS_BIN", os.path.join(ROOT, "bin"))
LIB = os.path.join(BIN, "../lib") if os.path.isdir(os.path.join(BIN, "../lib")) else os.path.join(ROOT, "dist/target/sheepfs/lib")
SERVER_LIB = os.environ.get("ZOOKEEPER_LIB", os.path.join(ROOT, "dist/target/zookeeper"))
NODES = (1, 2, 3)
MEMBER = re.compile(r"state=(\w+)")
libc = ctypes.CDLL(None, use_errno=True)


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}")
    return done.stdout


def eventually(what, condition, seconds=180):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("it does not come to: " + what)
        time.sleep(0.2)


class Lab:
    def __init__(self, name, directory=None, session_millis=4000, sizes=None, copies=3, spare=()):
        """directory: a new one; without it one with that name in the temp folder.
        spare: the numbers of nodes that have a host, but are not started."""
        if directory:
            os.makedirs(directory)
        self.directory = directory or tempfile.mkdtemp(prefix=name + ".")
        self.session_millis = session_millis
        self.tick_millis = max(200, session_millis // 8)
        self.sizes = sizes or {}
        self.prefix = f"t{os.getpid() % 100000}"
        self.processes = {}
        self.closing = False
        self.mountpoint = None
        self.copies = copies
        self.hosts = {"z": 9, "c": 20, **{str(n): n for n in (*NODES, *spare)}}
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # whoever is stopped cleans up, too
        self.made = []
        try:
            self._make_network()
            self._start_all()
        except BaseException:
            self.close()
            raise

    # --- the network ---

    def namespace(self, host):
        return f"{self.prefix}-{host}"

    def _make_network(self):
        for host in ["hub", *self.hosts]:
            run("ip", "netns", "add", self.namespace(host))
            self.made.append(self.namespace(host))
            run("ip", "-n", self.namespace(host), "link", "set", "lo", "up")
        hub = self.namespace("hub")
        run("ip", "-n", hub, "link", "add", "name", "br0", "type", "bridge")
        run("ip", "-n", hub, "link", "set", "br0", "up")
        for host, number in self.hosts.items():
            run("ip", "-n", hub, "link", "add", f"v{host}", "type", "veth", "peer", "name", "eth0", "netns", self.namespace(host))
            run("ip", "-n", hub, "link", "set", f"v{host}", "master", "br0", "up")
            run("ip", "-n", self.namespace(host), "addr", "add", f"10.99.0.{number}/24", "dev", "eth0")
            run("ip", "-n", self.namespace(host), "link", "set", "eth0", "up")

    def address(self, host):
        return f"10.99.0.{self.hosts[str(host)]}"

    def cut(self, host):
        run("ip", "-n", self.namespace("hub"), "link", "set", f"v{host}", "down")

    def mend(self, host):
        run("ip", "-n", self.namespace("hub"), "link", "set", f"v{host}", "up")

    def silence(self, source, target):
        """What source sends to target is lost; the other direction is not touched."""
        run("ip", "-n", self.namespace(source), "neigh", "replace", self.address(target), "lladdr", "02:00:00:00:00:99", "nud", "permanent", "dev", "eth0")

    def hear(self, source, target):
        run("ip", "-n", self.namespace(source), "neigh", "del", self.address(target), "dev", "eth0")

    def within(self, host):
        """The namespace of the calling thread, from now on."""
        with open(f"/run/netns/{self.namespace(host)}") as file:
            if libc.setns(file.fileno(), 0x40000000):
                raise OSError(ctypes.get_errno(), "setns")

    # --- the processes ---

    def _start(self, name, host, command):
        if self.closing:
            raise RuntimeError("the laboratory is closed")
        log = open(os.path.join(self.directory, name + ".log"), "ab")
        self.processes[name] = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.namespace(host)}", *command],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        log.close()

    def start_zookeeper(self):
        config = os.path.join(self.directory, "zoo.cfg")
        with open(config, "w") as file:
            file.write(f"dataDir={self.directory}/zookeeper\nclientPort=2181\nclientPortAddress={self.address('z')}\n"
                       f"tickTime={self.tick_millis}\nmaxClientCnxns=0\n")
        self._start("zookeeper", "z", [
            "java", "-XX:+UseSerialGC", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-Dzookeeper.admin.enableServer=false",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{LIB}/*:{SERVER_LIB}/*",
            "org.apache.zookeeper.server.quorum.QuorumPeerMain", config])

    def start(self, node):
        self._start(f"sheep{node}", node, [
            os.path.join(BIN, "sheep"), "-f", "-c", f"zookeeper:{self.address('z')}:2181/t", "--insecure",
            "-b", self.address(node), "-p", "7000", "-z", str(node), "--session-timeout", str(self.session_millis), self.store(node)])

    def _start_all(self):
        self.start_zookeeper()
        for node in NODES:
            if node in self.sizes:
                os.makedirs(self.store(node))
                run("mount", "-t", "tmpfs", "-o", f"size={self.sizes[node]}", "lab", self.store(node))
            self.start(node)
        eventually("three nodes there", lambda: all(self.dog("node", "list", "-r", node=n)[1].count("\n") == 3 for n in NODES))
        code, said = self.dog("cluster", "format", "-c", str(self.copies))
        if code:
            raise RuntimeError(said)
        self.await_synced()

    def store(self, node):
        return os.path.join(self.directory, f"store{node}")

    def pid(self, node):
        return self.processes[f"sheep{node}"].pid

    def is_running(self, node):
        return self.processes[f"sheep{node}"].poll() is None

    def signal(self, node, what):
        os.kill(self.pid(node), what)

    def kill(self, name):
        process = self.processes[name if isinstance(name, str) else f"sheep{name}"]
        process.kill()
        process.wait()

    def dog(self, *arguments, node=1):
        done = subprocess.run(
            ["nsenter", f"--net=/run/netns/{self.namespace('c')}", os.path.join(BIN, "dog"), *arguments, "-a", self.address(node), "-p", "7000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
        return done.returncode, done.stdout

    def mount(self, *options):
        self.mountpoint = os.path.join(self.directory, "mnt")
        os.makedirs(self.mountpoint, exist_ok=True)
        addresses = ",".join(self.address(n) for n in NODES)
        self._start("sheepfs", "c", [os.path.join(BIN, "sheepfs"), "-f", "-a", addresses, "--cache-dir", self.directory + "/cache", *options, self.mountpoint])
        eventually("the mount", lambda: " mounted at " in self.log("sheepfs"))

    def run_at_client(self, name, *command):
        """Runs a program there, and answers its exit code; what it says is in the log of that name."""
        self._start(name, "c", command)
        return self.processes[name].wait()

    def log(self, name):
        with open(os.path.join(self.directory, name + ".log"), errors="replace") as file:
            return file.read()

    # --- what is so ---

    def epoch(self, node):
        """The last epoch that a node has seen, and the states of all."""
        lines = [line for line in self.log(f"sheep{node}").splitlines() if "Follower - epoch " in line]
        if not lines:
            return 0, []
        return int(re.search(r"epoch (\d+):", lines[-1]).group(1)), MEMBER.findall(lines[-1])

    def are_synced(self):
        seen = [self.epoch(node) for node in NODES]
        return all(self.is_running(node) for node in NODES) and seen[0] == seen[1] == seen[2] and seen[0][1] == ["SYNCED"] * 3

    def await_synced(self):
        eventually("all nodes up to date", self.are_synced)

    def contents(self, node):
        """The objects on a node's disk, by name, without the zeros at their ends."""
        found = {}
        folder = os.path.join(self.store(node), "obj")
        for name in os.listdir(folder):
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    found[name] = hash(file.read().rstrip(b"\0"))
            except FileNotFoundError:
                pass
        return found

    def open_files(self, node):
        """What a node has open, as the kernel names it; files that were removed end in (deleted)."""
        folder = f"/proc/{self.pid(node)}/fd"
        found = []
        for name in os.listdir(folder):
            try:
                found.append(os.readlink(os.path.join(folder, name)))
            except FileNotFoundError:
                pass
        return found

    def cached(self):
        """The VDIs of which the cache of the mount has objects."""
        pattern = os.path.join(self.directory, "cache", "**", "objects", "[0-9a-f]" * 6, "[0-9a-f]" * 8)
        return {int(os.path.basename(os.path.dirname(path)), 16) for path in glob.glob(pattern, recursive=True)}

    def replicas_agree(self):
        first = self.contents(1)
        return first == self.contents(2) == self.contents(3)

    def close(self):
        self.closing = True  # a thread of the trial may still want to start something
        for name in sorted(self.processes, reverse=True):  # ZooKeeper and sheepfs before the sheep
            process = self.processes[name]
            if process.poll() is None:
                process.kill()
                process.wait()
        if self.mountpoint:
            subprocess.run(["umount", "-l", self.mountpoint], stderr=subprocess.DEVNULL)
        for node in NODES:
            if os.path.ismount(self.store(node)):
                run("umount", self.store(node))
        for namespace in self.made:
            subprocess.run(["ip", "netns", "del", namespace])
        self.made = []

    def remove(self):
        with open("/proc/mounts") as mounts:
            if f" {self.directory}/" in mounts.read():
                raise RuntimeError("something is mounted in " + self.directory)
        shutil.rmtree(self.directory)


class Refused(Exception):
    """An answer that is no success."""


class Client:
    """A client of one sheep, on a connection of its own, from a host; of one thread."""

    def __init__(self, lab, host, node, timeout):
        self.lab, self.host, self.node, self.timeout = lab, host, node, timeout
        self.socket = None

    def call(self, opcode, fields, flags=0, body=b"", answer=0, version=2):
        try:
            if self.socket is None:
                self.lab.within(self.host)
                self.socket = socket.create_connection((self.lab.address(self.node), 7000), self.timeout)
                self.socket.settimeout(self.timeout)
            length = len(body) if body else answer
            self.socket.sendall(struct.pack("<BBHIII", version, opcode, flags | (1 if body else 0), 0, 1, length) + fields.ljust(32, b"\0") + body)
            header = self._receive(48)
            result = struct.unpack_from("<I", header, 16)[0]
            data = self._receive(struct.unpack_from("<I", header, 12)[0])
        except OSError:
            self.close()
            raise
        if result:
            raise Refused(f"{result:#x}")
        return header, data

    def _receive(self, length):
        data = b""
        while len(data) < length:
            part = self.socket.recv(length - len(data))
            if not part:
                raise ConnectionError("the sheep hung up")
            data += part
        return data

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    @staticmethod
    def _object(oid, offset):
        return struct.pack("<QQIIII", oid, 0, 0, 0, offset, 0)

    def create_vdi(self, name, size):
        header, _ = self.call(0x11, struct.pack("<QI", size, 0), body=name.encode().ljust(256, b"\0"))
        return struct.unpack_from("<I", header, 24)[0]

    def delete_vdi(self, name):
        self.call(0x17, b"", body=name.encode().ljust(256, b"\0"))

    def create(self, vid, index, data):
        self.call(0x01, self._object(vid << 32 | index, 0), body=data)
        self.call(0x03, self._object(1 << 63 | vid << 32, 4664 + 4 * index), body=struct.pack("<I", vid))

    def write(self, vid, index, offset, data):
        self.call(0x03, self._object(vid << 32 | index, offset), body=data)

    def read(self, vid, index, offset, length):
        return self.call(0x02, self._object(vid << 32 | index, offset), answer=length)[1]

    def objects(self):
        """The ids of all objects that the node lists as its own."""
        body = self.call(0xa1, b"", answer=1 << 20, version=0x0a)[1]  # what sheep ask each other
        return struct.unpack(f"<{len(body) // 8}Q", body)

    def flush(self, vid):
        self.call(0x16, self._object(1 << 63 | vid << 32, 0))
