"""A machine that can be powered on, cut off and blanked, and the switch it hangs on.

A machine is a systemd-nspawn container that boots the whole of the golden image
(tests/real/machine-root) from its own disk: an overlay over `root`, and its own
/var/lib/containerd and /var/lib/kubelet, since neither overlay mounts nor the
kubelet's may lie on an overlay. Its network is a veth `host0` in a network
namespace of its own, on the bridge of the switch's namespace.

Machines live at a site, one for each scenario that is played, and sites know
nothing of each other. Everything of a machine runs below one cgroup,
`hagen-assembly/<site>/<name>`, in every hierarchy. So a power cut kills exactly
that, and a run that was itself killed leaves nothing that the next one does not
find.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import ignition

CGROUPS = Path("/sys/fs/cgroup")
FAMILY = "hagen-assembly"
NAMESPACE = "hagen-"
# Set when the run is to end: nobody waits for anything any more.
interrupted = threading.Event()

# The host's cgroup v1 hierarchies are read-only inside nspawn; the kubelet and
# runc need them. /proc/sys likewise, for net.ipv4.ip_forward.
LAB_UNIT = """\
[Unit]
Description=what a container lacks of a machine
DefaultDependencies=no
Before=sysinit.target systemd-sysctl.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for each in /sys/fs/cgroup/*/; do mount -o remount,rw,bind "$each"; done; mount -o remount,rw,bind /proc/sys; mount --make-rshared /; true'

[Install]
WantedBy=sysinit.target
"""


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


def quietly(*command):
    """For clearing away: what is not there need not be removed."""
    subprocess.run([str(word) for word in command], check=False, capture_output=True)


# Media: this kernel has no ISO 9660, but FUSE, and mount(8) calls a helper that is called after the type.
LAB = "usr/local/lib/lab"
MOUNT_ISO = f"""\
#!/bin/sh
export LD_LIBRARY_PATH=/{LAB}
exec /{LAB}/fuseiso "$1" "$2" -o ro,allow_other
"""
# In a container cloud-init's ds-identify looks for no labels; the data source itself does.
ONLY_NOCLOUD = "datasource_list: [NoCloud]\n"


class Failed(Exception):
    """What must hold does not."""


class Switch:
    """A site's bridge, in a network namespace; the gateway's address is on it."""

    def __init__(self, site, gateway):
        self.site = site
        self.namespace = self.namespace_of("switch")
        run("ip", "netns", "add", self.namespace)
        for command in (
            "link set lo up",
            "link add bridge0 type bridge",
            f"address add {gateway} dev bridge0",
            "link set bridge0 up",
        ):
            self.ip(*command.split())

    def namespace_of(self, machine):
        return f"{NAMESPACE}{self.site}.{machine}"

    def plug_in(self, machine, mac, interface):
        """A cable to the machine, whose end is `interface`; returns the path of its network namespace."""
        namespace, port = self.namespace_of(machine), f"port-{machine}"[:15]
        run("ip", "netns", "add", namespace)
        run("ip", "link", "add", interface, "netns", namespace, "address", mac,
            "type", "veth", "peer", "name", port, "netns", self.namespace)
        self.ip("link", "set", port, "master", "bridge0", "up")
        return f"/run/netns/{namespace}"

    def unplug(self, machine):
        """A namespace dies slowly, and while it lives it answers for the machine's addresses."""
        quietly("ip", "-n", self.namespace, "link", "delete", f"port-{machine}"[:15])
        quietly("ip", "netns", "delete", self.namespace_of(machine))

    def ip(self, *arguments, machine="switch"):
        """iproute2 with the bridge of the site, or with a machine's NIC."""
        run("ip", "-n", self.namespace_of(machine), *arguments)

    def inside(self, *command, machine="switch"):
        """Run a command of this computer on the machines' network: as a bystander, or with a machine's own NIC."""
        return subprocess.run(
            ["ip", "netns", "exec", self.namespace_of(machine), *map(str, command)],
            check=False, capture_output=True, text=True)


class Machine:
    """One machine; `seed` is the folder of its NoCloud files or its config.ign, `image` the golden image.

    With `drives`, block devices of this computer, its seed is in one of them, and containerd has no image.
    """

    def __init__(self, name, folder, image, seed, switch, mac, drives=None):
        self.name, self.folder, self.image, self.seed = name, folder, image, seed
        self.drives = drives
        self.switch, self.mac = switch, mac
        self.place = f"{switch.site}/{name}"
        self.root, self.disk = folder / "root", folder / "disk"
        self.console = folder / "console.log"
        self.process = None
        self._fit_disk()

    @property
    def etcd_store(self):
        """Where etcd has its data; there is nothing before it was started."""
        return self.root / "var/lib/etcd/member"

    def power_on(self):
        namespace = self.switch.plug_in(self.name, self.mac, "host0")
        groups = " ".join(str(group / "cgroup.procs") for group in make_cgroups(self.place))
        legacy = "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
        nspawn = [
            "systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}", f"--machine={self.name}",
            "--register=no", "--keep-unit", "--console=read-only", f"--network-namespace-path={namespace}",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no",
            # The clock is the host's.
            "--capability=all", "--drop-capability=CAP_SYS_TIME", "--system-call-filter=@known",
            f"--setenv={legacy}", "--bind=/dev/kmsg",
            f"--bind={self.folder}/containerd:/var/lib/containerd",
            f"--bind={self.folder}/kubelet:/var/lib/kubelet", *self._bind_drives(),
            # Nobody answers its questions at a first boot.
            "systemd.show_status=yes", "systemd.firstboot=no",
        ]
        enter = f'for group in {groups}; do echo $$ > "$group"; done; exec "$@"'
        with self.console.open("ab") as console:
            self.process = subprocess.Popen(
                ["sh", "-c", enter, "sh", *nspawn], env=os.environ | dict([legacy.split("=")]),
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)

    def _bind_drives(self):
        return [] if self.drives is None else [f"--bind={device}" for device in ("/dev/fuse", *self.drives)]

    def insert(self, device):
        """Another drive, while the machine is on."""
        self.drives.append(device)
        number = os.stat(device).st_rdev
        self.must("mknod", device, "b", str(os.major(number)), str(os.minor(number)))

    def power_off(self):
        """The plug is pulled: nothing in the machine hears of it."""
        self.switch.unplug(self.name)
        cut_power(self.place)
        if self.process:
            self.process.wait()
            self.process = None

    def shut_down(self):
        """In good order, as by its power button; SIGRTMIN+4 is poweroff.target to systemd."""
        os.kill(find_leader(self.place), signal.SIGRTMIN + 4)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=120)
        self.power_off()

    def blank(self, size=None):
        """A new disk with the same seed, of `size` MiB if that matters; the machine must be off."""
        quietly("umount", "--lazy", self.root)
        quietly("umount", "--lazy", self.disk)
        self._fit_disk(size)

    def inside(self, *command):
        """Run a command in the running machine, as `tests/assembly/enter` does."""
        leader = find_leader(self.place)
        if leader is None:
            return None
        return subprocess.run(
            ["nsenter", f"--target={leader}", "--all", "--", *command],
            check=False, capture_output=True, text=True)

    def must(self, *command):
        """Run a command in the running machine that has to succeed; returns what it says."""
        done = self.inside(*command)
        if done is None or done.returncode:
            raise Failed(f"{self.name}: {' '.join(command)}: {done and (done.stdout + done.stderr).strip()}")
        return done.stdout

    def replace(self, path, program):
        """Another program in the place of one of the image's."""
        self.take_away(path)
        shutil.copy(program, self.root / path)

    def take_away(self, path):
        (self.root / path).unlink()

    def put_back(self, path):
        """The image's own file again."""
        (self.root / path).unlink(missing_ok=True)
        shutil.copy2(self.image / "root" / path, self.root / path)

    def read(self, path):
        """A file of its disk, None if there is no such file."""
        with contextlib.suppress(FileNotFoundError):
            return (self.root / path.lstrip("/")).read_text(encoding="utf-8", errors="replace")
        return None

    def journal(self, unit):
        command = ["journalctl", f"--directory={self.root}/var/log/journal", "--no-pager", f"--unit={unit}"]
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout

    def _fit_disk(self, size=None):
        for name in ("disk", "containerd", "kubelet"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in ("disk", "kubelet", "root"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if size:
            run("mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", self.disk)
        for name in ("upper", "work"):
            (self.disk / name).mkdir()
        if self.drives is None:
            copy_containerd(self.image / "containerd", self.folder / "containerd")
        else:
            (self.folder / "containerd").mkdir()
        layers = f"lowerdir={self.image}/root,upperdir={self.disk}/upper,workdir={self.disk}/work"
        run("mount", "-t", "overlay", "overlay", "-o", layers, self.root)
        unit = self.root / "etc/systemd/system/lab.service"
        unit.write_text(LAB_UNIT, encoding="utf-8")
        wants = unit.with_name("sysinit.target.wants")
        wants.mkdir(exist_ok=True)
        (wants / unit.name).symlink_to(f"../{unit.name}")
        config = self.seed / "config.ign"
        if self.drives is not None:
            self._read_discs()
        elif config.exists():
            self._ignite(config)
        else:
            shutil.copytree(self.seed, self.root / "var/lib/cloud/seed/nocloud")

    def _read_discs(self):
        """What the machine's kernel has not."""
        lab, helper = self.root / LAB, self.root / "usr/sbin/mount.iso9660"
        lab.mkdir(parents=True)
        fuseiso = shutil.which("fuseiso")
        said = subprocess.run(["ldd", fuseiso], check=True, capture_output=True, text=True).stdout
        own = [line.split()[2] for line in said.splitlines() if re.search("lib(glib|fuse|pcre|z)", line)]
        for file in [fuseiso, *own]:
            shutil.copy(file, lab)
        helper.write_text(MOUNT_ISO, encoding="utf-8")
        helper.chmod(0o755)
        (self.root / "etc/cloud/cloud.cfg.d/90-lab.cfg").write_text(ONLY_NOCLOUD, encoding="utf-8")

    def _ignite(self, config):
        """What the initramfs of a system with Ignition does before the first boot, to which systemd finds no machine-id."""
        said = ignition.apply(config, self.root)
        if said:
            raise Failed(f"{self.name}: Ignition failed:\n{said}")
        (self.root / "etc/machine-id").unlink()


def drive(image):
    """A block device of this computer that has the content of a file."""
    command = ["losetup", "--read-only", "--find", "--show", image]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def copy_containerd(source, target):
    """Blobs and unpacked layers never change, so links will do; the databases do."""
    run("cp", "--archive", "--link", source, target)
    for database in target.rglob("*.db"):
        database.unlink()
        shutil.copy2(source / database.relative_to(target), database)


def make_cgroups(place):
    """The machine's cgroup in each hierarchy, below the cgroup of this process."""
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        hierarchy = CGROUPS / (controllers.removeprefix("name=") or "unified")
        if not hierarchy.is_dir():
            continue
        group = hierarchy / path.lstrip("/") / FAMILY / place
        group.mkdir(parents=True, exist_ok=True)
        if controllers == "cpuset":
            for each in (group.parent.parent, group.parent, group):
                for setting in ("cpuset.cpus", "cpuset.mems"):
                    (each / setting).write_text((each.parent / setting).read_text())
        yield group


def find_cgroups(place=""):
    """Every cgroup of `site/machine`, of a site, or of all machines, that is there now."""
    # os.walk passes over what vanishes meanwhile.
    for folder, children, _ in os.walk(CGROUPS):
        if FAMILY in children:
            children.remove(FAMILY)
            group = Path(folder, FAMILY, place)
            if group.is_dir():
                yield group


def processes(place=""):
    found = set()
    for group in find_cgroups(place):
        for folder, _, _ in os.walk(group):
            with contextlib.suppress(OSError):
                found.update(map(int, Path(folder, "cgroup.procs").read_text(encoding="utf-8").split()))
    return sorted(found - {0})


def find_leader(place):
    """The machine's PID 1 as the host numbers it."""
    for process in processes(place):
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
            if f"\nNSpid:\t{process}\t1\n" in status:
                return process
    return None


def cut_power(place=""):
    """Kill the machine's PID 1, with which the kernel kills all the rest, then what held it."""
    leader = find_leader(place)
    if leader:
        os.kill(leader, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while (left := processes(place)) and time.monotonic() < deadline:
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.1)
    if left:
        raise RuntimeError(f"processes of {place or 'the machines'} survive SIGKILL: {left}")
    # Left over, they would cost the next boot's kubelet seconds each.
    for group in find_cgroups(place):
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


@contextlib.contextmanager
def kernel_settings_kept():
    """Settings that are of no namespace: the kubelet changes some; inotify's is too small for eight machines' worth."""
    files = [Path("/proc/sys", name) for name in (
        "kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory", "fs/inotify/max_user_instances")]
    before = {file: file.read_text(encoding="utf-8") for file in files}
    files[-1].write_text("8192", encoding="utf-8")
    try:
        yield
    finally:
        for file, value in before.items():
            file.write_text(value, encoding="utf-8")


def clear(folder, site=""):
    """Remove every trace of a site, or of all machines, of this run or of one that was killed."""
    cut_power(site)
    below = f"{folder}/{site}/" if site else f"{folder}/"
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()[::-1]:
        if line.split()[1].startswith(below):
            quietly("umount", "--lazy", line.split()[1])
    command = ["losetup", "--list", "--noheadings", "--raw", "--output", "NAME,BACK-FILE"]
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        device, file = line.split(" ", 1)
        if file.startswith(below):
            quietly("losetup", "--detach", device)
    listing = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout
    for namespace in (line.split()[0] for line in listing.splitlines() if line):
        if namespace.startswith(f"{NAMESPACE}{site}." if site else NAMESPACE):
            quietly("ip", "netns", "delete", namespace)
