"""What bench.py compares: each contender gives one file to work on, and says who serves it."""

import glob
import os
import shlex
import shutil
import signal
import subprocess
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
URING_SWITCH = "/sys/module/fuse/parameters/enable_uring"
DEADLINE_SECONDS = 60
PAGE_BYTES = 4096
TICKS = os.sysconf("SC_CLK_TCK")


class Unavailable(Exception):
    """The contender cannot run on this machine; the message says why."""


def is_mounted(path):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return any(line.split(" ")[1] == path for line in mounts)


def await_that(condition, what, process):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if process.poll() is not None:
            raise RuntimeError(f"{what}: ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {DEADLINE_SECONDS} s")
        time.sleep(0.005)


def unmount(path):
    if is_mounted(path):
        command = ["umount"] if os.geteuid() == 0 else ["fusermount3", "-u"]
        # a fio that was interrupted with us may need a moment to let go of its file
        for _ in range(20):
            if subprocess.run(command + [path], check=False).returncode == 0:
                return
            if not is_mounted(path):  # its server was faster
                return
            time.sleep(0.5)
        subprocess.run(command + [path], check=True)


def needs(program, package):
    if shutil.which(program) is None:
        raise Unavailable(f"no {program} ({package})")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid):
    """The proportional set size."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


class Contender:
    """The plain file, and what all have in common."""

    title = "plain file"

    def __init__(self, name, work, size_bytes):
        self.name = name
        self.size_bytes = size_bytes
        self.folder = os.path.join(work, name)
        os.makedirs(self.folder)
        self.process = None
        self.log = os.path.join(work, name + ".log")

    def start(self):
        """Makes self.file usable, or raises Unavailable."""

    @property
    def file(self):
        return os.path.join(self.folder, "bench")

    @property
    def folder_of_files(self):
        """Where files can be made and removed; None if nowhere."""
        return self.folder

    def renew(self):
        """Makes the file anew, without any data."""
        if os.path.exists(self.file):
            os.unlink(self.file)
        with open(self.file, "wb") as out:
            out.truncate(self.size_bytes)

    def spawn(self, command, until, environment=None):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(environment or {})})
        await_that(until, " ".join(command), self.process)

    def pids(self):
        """The processes that serve the file."""
        return [] if self.process is None else [self.process.pid]

    def cpu_seconds(self):
        pids = self.pids()
        return sum(cpu_seconds(pid) for pid in pids) if pids else None

    def memory_mb(self):
        pids = self.pids()
        return sum(memory_mb(pid) for pid in pids) if pids else None

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


class Mounted(Contender):
    """A file below a mountpoint."""

    def __init__(self, name, work, size_bytes):
        super().__init__(name, work, size_bytes)
        self.mountpoint = os.path.join(self.folder, "mnt")
        os.makedirs(self.mountpoint)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            unmount(self.mountpoint)
            try:
                self.process.wait(DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                pass
        super().stop()
        unmount(self.mountpoint)


class Sheepfs(Mounted):
    """An embedded store with one copy."""

    def __init__(self, name, work, size_bytes, *options):
        super().__init__(name, work, size_bytes)
        self.options = [each.format(folder=self.folder) for each in options]

    @property
    def title(self):
        return "sheepfs " + self.name

    def command(self):
        return [
            os.path.join(ROOT, "bin", "sheepfs"), *self.options,
            "--store", os.path.join(self.folder, "store"), self.mountpoint]

    def start(self):
        check_uring(self.options)
        command = self.command()
        self.spawn([command[0], "-f", *command[1:]], lambda: is_mounted(self.mountpoint))

    @property
    def folder_of_files(self):
        return os.path.join(self.mountpoint, "volume")

    @property
    def file(self):
        return os.path.join(self.folder_of_files, "bench")

    def mount_seconds(self):
        """From the command to a mount that can be used, in the background as a user does it."""
        command = self.command()
        begin = time.monotonic()
        subprocess.run([command[0], "--log-file", self.log, *command[1:]], check=True,
                       stdout=subprocess.DEVNULL)
        os.statvfs(self.folder_of_files)
        seconds = time.monotonic() - begin
        subprocess.run([command[0], "umount", self.mountpoint], check=True,
                       stdout=subprocess.DEVNULL)
        return seconds


class Cluster(Mounted):
    """ZooKeeper and three sheep on this machine, with three copies, and a mount of them."""

    title = "3 sheep, 3 copies"

    def run(self, script):
        store = os.path.join(self.folder, "store")
        with open(self.log, "ab") as log:
            subprocess.run(
                ["bash", os.path.join(ROOT, "scripts", script), self.mountpoint, store],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True,
                env={"PORT": "17300", **os.environ})

    def start(self):
        self.run("cluster.sh")

    def stop(self):
        if self.pids():
            self.run("cluster-stop.sh")
        super().stop()

    @property
    def folder_of_files(self):
        return os.path.join(self.mountpoint, "volume")

    @property
    def file(self):
        return os.path.join(self.folder_of_files, "bench")

    def pids(self):
        """All of them: each has the folder in its command."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as line:
                    if (self.folder + "/").encode() in line.read():
                        found.append(int(path.split("/")[2]))
            except (FileNotFoundError, ProcessLookupError):
                pass  # it has just ended
        return found


def check_uring(options):
    if "uring" in options:
        try:
            with open(URING_SWITCH, encoding="ascii") as switch:
                on = switch.read().startswith("Y")
        except FileNotFoundError:
            raise Unavailable("this kernel has no FUSE over io_uring") from None
        if not on:
            raise Unavailable(f"FUSE over io_uring is off (echo Y >{URING_SWITCH})")


class Qemu(Contender):
    """qemu-storage-daemon's export of a file of the same file system."""

    title = "qemu-storage-daemon"
    folder_of_files = None

    def start(self):
        needs("qemu-storage-daemon", "qemu-system-common")
        self.renew()

    @property
    def file(self):
        return os.path.join(self.folder, "export")

    def renew(self):
        self.stop()
        image = os.path.join(self.folder, "image")
        with open(image, "wb") as out:
            out.truncate(self.size_bytes)
        with open(self.file, "ab"):
            pass
        self.spawn(
            ["qemu-storage-daemon",
             "--blockdev", "driver=file,node-name=disk,filename=" + image,
             "--export",
             f"type=fuse,id=export,node-name=disk,mountpoint={self.file},writable=on"],
            lambda: is_mounted(self.file))

    def stop(self):
        super().stop()
        unmount(self.file)


class S3backer(Mounted):
    """s3backer in its test mode, whose blocks are files of the same file system."""

    title = "s3backer --test"
    folder_of_files = None

    def start(self):
        needs("s3backer", "s3backer")
        self.renew()

    @property
    def file(self):
        return os.path.join(self.mountpoint, "file")

    def renew(self):
        self.stop()
        blocks = os.path.join(self.folder, "blocks")
        if os.path.isdir(blocks):
            shutil.rmtree(blocks)
        os.makedirs(os.path.join(blocks, "bucket"))
        self.spawn(
            ["s3backer", "-f", "--test", "--blockSize=128k", f"--size={self.size_bytes}",
             "--blockCacheSize=2000", "--minWriteDelay=0", "--md5CacheSize=0", "--md5CacheTime=0",
             os.path.join(blocks, "bucket"), self.mountpoint],
            lambda: is_mounted(self.mountpoint))


class Peer(Contender):
    """Any command, of the variable PEER: it makes the file BENCH_FILE of BENCH_BYTES bytes."""

    folder_of_files = None

    def __init__(self, name, work, size_bytes, command):
        super().__init__(name, work, size_bytes)
        self.shell = command
        self.title = os.path.basename(shlex.split(command)[0])

    def start(self):
        self.renew()

    def renew(self):
        self.stop()
        os.makedirs(self.folder, exist_ok=True)
        self.spawn(
            ["sh", "-c", "exec " + self.shell], lambda: os.path.exists(self.file)
            and os.stat(self.file).st_size == self.size_bytes,
            {"BENCH_FILE": self.file, "BENCH_FOLDER": self.folder,
             "BENCH_BYTES": str(self.size_bytes)})

    def pids(self):
        """The command and all that it started."""
        found = super().pids()
        for pid in found:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
                found += [int(child) for child in children.read().split()]
        return found

    def stop(self):
        super().stop()
        for path in (self.file, self.folder):
            unmount(path)


class NullC(Mounted):
    """nullfs.c on libfuse 3."""

    title = "C libfuse3"
    folder_of_files = None

    def start(self):
        needs("cc", "gcc")
        program = os.path.join(self.folder, "nullfs")
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               check=False)
        if flags.returncode != 0:
            raise Unavailable("no libfuse 3 to compile with (libfuse3-dev, pkg-config)")
        subprocess.run(["cc", "-O2", "-o", program, os.path.join(ROOT, "bench", "nullfs.c"),
                        *flags.stdout.split()], check=True)
        self.spawn([program, self.mountpoint, str(self.size_bytes)],
                   lambda: is_mounted(self.mountpoint))

    @property
    def file(self):
        return os.path.join(self.mountpoint, "disk")

    def renew(self):
        pass


class NullSheepfs(Mounted):
    """A transport of sheepfs without a store behind it."""

    folder_of_files = None

    def __init__(self, name, work, size_bytes, transport):
        super().__init__(name, work, size_bytes)
        self.transport = transport
        self.title = "sheepfs " + transport

    def start(self):
        check_uring([self.transport])
        classes = os.path.join(ROOT, "microbench", "target")
        if not glob.glob(os.path.join(classes, "lib", "fuse-mount*.jar")):
            raise Unavailable("microbench is not built (make build)")
        java = os.path.join(os.environ["JAVA_HOME"], "bin", "java") \
            if "JAVA_HOME" in os.environ else "java"
        self.spawn(
            [java, "-XX:+UseSerialGC", "-Xmx256m", "-Xss512k",
             *shlex.split(os.environ.get("BENCH_JAVA_OPTIONS", "")),
             "-cp", f"{classes}/classes:{classes}/lib/*",
             "io.sheepfs.microbench.NullMount", self.transport, self.mountpoint,
             str(self.size_bytes)],
            lambda: is_mounted(self.mountpoint))

    @property
    def file(self):
        return os.path.join(self.mountpoint, "disk")

    def renew(self):
        pass


CACHED = ("--cache-mode", "writeback", "--cache-dir", "{folder}/cache")

# By the name under which CONTENDERS chooses them.
MAKERS = {
    "plain": Contender,
    "qemu": Qemu,
    "s3backer": S3backer,
    "direct": lambda *of: Sheepfs(*of, "--transport", "direct"),
    "uring": lambda *of: Sheepfs(*of, "--transport", "uring"),
    "jnr": lambda *of: Sheepfs(*of, "--transport", "jnr"),
    "cached": lambda *of: Sheepfs(*of, "--transport", "direct", *CACHED),
    "writeback": lambda *of: Sheepfs(*of, "--transport", "direct", "--pagecache", "writeback"),
    "cluster": Cluster,
}
NULL_MAKERS = {
    "null-c": NullC,
    "null-direct": lambda *of: NullSheepfs(*of, "direct"),
    "null-uring": lambda *of: NullSheepfs(*of, "uring"),
    "null-jnr": lambda *of: NullSheepfs(*of, "jnr"),
}
