"""Debian machines as far as cloud-init cares: a root folder, a disk over it, and boots without a kernel.

A disk is an overlay, so that its upper folder holds everything that boots have
changed and nothing else. What runs on it runs in namespaces of its own, which
take their mounts and devices with them however they end.
"""

import dataclasses
import hashlib
import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import debians
import store

HERE = Path(__file__).resolve().parent
RELEASES = ("bookworm", "trixie")
PACKAGES = [
    "bash", "cloud-init", "dbus", "iproute2", "locales", "netplan.io", "openssh-server", "procps",
    "python3-yaml", "sudo", "systemd-resolved", "systemd-sysv", "udev",
]
STAGES = ("init --local", "init", "modules --mode=config", "modules --mode=final")
# Set when the run is to end: nothing new is started then.
STOP = threading.Event()


def root(release):
    """The folder of a Debian with cloud-init; made once, to be read only."""
    def make(folder):
        folder.chmod(0o755)
        debian = folder / "root"
        debians.bootstrap(debian, release, PACKAGES)
        (debian / "etc/cloud/cloud.cfg.d/90-formats.cfg").write_text(debians.CONFIGURATION, encoding="utf-8")

    store.need("mmdebstrap", "iproute2")
    return store.entry(f"formats-{release}", [__file__, debians.__file__], [release], make) / "root"


@dataclasses.dataclass(frozen=True)
class Entry:
    """What lies at a path; `when` tells that it was written again, and does not make a difference."""

    kind: str
    mode: int
    owner: str
    content: bytes
    when: int = dataclasses.field(default=0, compare=False)

    def __str__(self):
        size = f"{len(self.content)} bytes, {hashlib.sha256(self.content).hexdigest()[:8]}"
        return f"{self.kind} {self.mode:04o} {self.owner} ({size})" if self.kind == "file" else (
            f"{self.kind} {self.mode:04o} {self.owner} {self.content.decode()}".rstrip())


@dataclasses.dataclass
class Boot:
    """A boot as it ended: the disk, what cloud-init left in /run and said, and each call of systemctl."""

    disk: dict
    run: Path
    errors: list
    calls: list


class Machine:
    """A disk over `root`, a seed, and one NIC; `folder` is its own."""

    def __init__(self, base, folder, seed, nic):
        self.base, self.folder, self.seed, self.nic = base, folder, seed, nic
        self.upper = folder / "upper"
        for name in ("upper", "work", "root"):
            (folder / name).mkdir(parents=True)
        self.boots = 0

    def enter(self, *command, **options):
        """Run a command on the disk; its exit code, and what it said on both channels."""
        if STOP.is_set():
            raise KeyboardInterrupt
        shared = self.folder / "shared"
        shared.mkdir(exist_ok=True)
        words = ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
                 "sh", HERE / "enter.sh", self.base, self.folder, self.seed, self.nic, *command]
        return subprocess.run(
            [str(word) for word in words], check=False, text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)

    def boot(self, stages=STAGES):
        """Power on, let cloud-init do its stages, pull the plug."""
        self.boots += 1
        shared = self.folder / "shared"
        shutil.rmtree(shared, ignore_errors=True)
        result = self.enter("sh", "/run/formats/boot", *stages, stdin=subprocess.DEVNULL)
        if result.returncode:
            raise RuntimeError(f"the machine does not boot: {result.stdout}")
        run = self.folder / f"boot-{self.boots}"
        shared.rename(run)
        calls = (run / "systemctl.log").read_text().splitlines() if (run / "systemctl.log").exists() else []
        return Boot(self.disk(), run, result.stdout.splitlines(), calls)

    def disk(self):
        """Everything that is not as in the base root, by path."""
        names = {}
        for file in ("passwd", "group"):
            path = self.upper / "etc" / file
            lines = (path if path.exists() else self.base / "etc" / file).read_text().splitlines()
            names[file] = {int(line.split(":")[2]): line.split(":")[0] for line in lines}
        found = {}
        for path in sorted(self.upper.rglob("*")):
            status = path.lstat()
            found[f"/{path.relative_to(self.upper)}"] = entry(path, status, names)
        return found

    def original(self, path):
        """The mode and owner of a folder of the base root; None where there is none."""
        place = self.base / path.lstrip("/")
        return stat.S_IMODE(place.stat().st_mode) if place.is_dir() else None


def entry(path, status, names):
    owner = ":".join(
        table.get(number, str(number))
        for table, number in ((names["passwd"], status.st_uid), (names["group"], status.st_gid)))
    mode, when = stat.S_IMODE(status.st_mode), status.st_mtime_ns
    if stat.S_ISLNK(status.st_mode):
        return Entry("link", 0o777, owner, os.readlink(path).encode(), when)
    if stat.S_ISDIR(status.st_mode):
        return Entry("folder", mode, owner, b"")
    if stat.S_ISREG(status.st_mode):
        return Entry("file", mode, owner, path.read_bytes(), when)
    # How an overlay says that a file of the base root is gone.
    return Entry("nothing", 0, "", b"")
