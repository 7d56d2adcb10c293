"""Debian packages: the script fetches them, and the step 05-software installs them from the payload alone."""

import re
import shutil
import sys

import debians
from lab import HERE, Document, Machine, equal, fill, later, must, until
from mirror import VARIANTS

sys.path.insert(1, str(HERE.parents[1] / "formats"))
import debian  # noqa: E402  pylint: disable=wrong-import-position
from small_images import docker_archive

STEP = "05-software"
# Small ones, which depend on each other as those of Kubernetes do. Later versions are there as well, and earlier ones.
STANDINS = {
    "kubeadm": (["1.36.2-1.1", "1.36.3-1.1", "1.36.4-1.1"], "kubelet (>= 1.30.0), cri-tools (>= 1.30.0)"),
    "kubelet": (["1.36.2-1.1", "1.36.3-1.1", "1.36.4-1.1"], "iptables, kubernetes-cni (>= 1.2.0), mount, util-linux"),
    "kubectl": (["1.36.2-1.1", "1.36.3-1.1", "1.36.4-1.1"], "libc6"),
    "kubernetes-cni": (["1.8.0-1.1"], "libc6"),
    "cri-tools": (["1:1.36.0-1.1"], "libc6"),
}
# The power goes away while dpkg unpacks the one, and while it configures the other; or it fails there.
INTERRUPTS = {"kubernetes-cni": "preinst", "kubelet": "postinst"}
INTERRUPT = '#!/bin/sh\nif [ -e /run/interrupt-PHASE ]; then\n  rm /run/interrupt-PHASE\n  kill -KILL "$PPID"\nfi\n'
INTERRUPT += "if [ -e /run/fail-PHASE ]; then\n  rm /run/fail-PHASE\n  exit 1\nfi\n"
# Who installs updates at the same time.
LOCK = """\
import fcntl, time
lock = open('/var/cache/apt/archives/lock', 'w')
fcntl.lockf(lock, fcntl.LOCK_EX)
time.sleep(9999)
"""



def repository(folder):
    """A repository with the stand-ins."""
    folder.mkdir()
    for name, (versions, depends) in STANDINS.items():
        for version in versions:
            source = folder / "source"
            (source / "usr/bin").mkdir(parents=True)
            (source / "usr/bin" / name).write_text(version, encoding="utf-8")
            (source / "DEBIAN").mkdir()
            (source / "DEBIAN/control").write_text(
                f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: nobody\nDepends: {depends}\n"
                f"Description: a stand-in\n", encoding="utf-8")
            if name in INTERRUPTS:
                script = source / "DEBIAN" / INTERRUPTS[name]
                script.write_text(INTERRUPT.replace("PHASE", INTERRUPTS[name]), encoding="utf-8")
                script.chmod(0o755)
            must("dpkg-deb", "--build", "--root-owner-group", source, folder)
            shutil.rmtree(source)
    (folder / "Packages").write_text(must("apt-ftparchive", "packages", ".", cwd=folder, stderr=None), encoding="utf-8")


def fetch(folder, document, base):
    """The payload, by the script on a Debian that has apt-utils and this machine's archive."""
    machine = Machine(folder / "fetches", base)
    drive = machine.folder / "drive"
    repository(drive / "repository")
    payload = drive / "payload"
    for line in document.script().read_text(encoding="utf-8").splitlines():
        if line.startswith("image "):
            _, name, archived, file = line.split()
            docker_archive(payload / f"images/{file}_amd64.tar", archived)
    shutil.copy(document.folder / "mirror.sh", drive)
    sources = f"deb [check-valid-until=no] {debians.mirror()} trixie main\n"
    machine.place("etc/apt/sources.list", sources + "deb [trusted=yes] copy:/media/repository ./\n")
    machine.place("etc/resolv.conf", open("/etc/resolv.conf", encoding="utf-8").read())
    with machine.running(network=True) as machine:
        done = machine.call("/media/mirror.sh", "/media/payload")
        yield from equal("without apt-utils", (done.returncode, done.stdout), (
            1, "mirror.sh: apt-ftparchive is missing: install apt-utils\n"))
        machine.must("apt-get", "-qq", "update")
        machine.must("apt-get", "-qq", "--yes", "--no-install-recommends", "install", "apt-utils")
        done = machine.call("/media/mirror.sh", "/media/payload")
        yield from equal("fetched", done.returncode, 0, done.stdout)
        found = sorted(path.name for path in (payload / "packages").iterdir())
        done = machine.call("/media/mirror.sh", "/media/payload")
        yield from equal("once more", done.returncode, 0, done.stdout)
        yield from equal("the same", sorted(path.name for path in (payload / "packages").iterdir()), found)
        print(f"      {len(found) - 2} packages fetched", flush=True)
        for name in ("kubeadm_1.36.3-1.1_amd64.deb", "cri-tools_1%3a1.36.0-1.1_amd64.deb", "Packages"):
            if name not in found:
                yield f"{name} is missing: {found}"
        yield from equal("other files", [name for name in found if not name.endswith(".deb")], ["Packages", "codename"])
    done = document.render(payload, "--tree")
    yield from equal("render", done.returncode, 0, done.stdout)


def packages(folder):
    """The script fetches the packages; 05-software installs them without a network: interrupted, and damaged."""
    base = debian.root("trixie")
    document = Document(folder / "document", text=VARIANTS["packages"])
    yield from fetch(folder, document, base)
    machine = Machine(folder / "machine", base)
    machine.install(document)
    machine.insert(document.out / "payload.iso")
    # A source that answers no machine of this network.
    machine.place("etc/apt/sources.list.d/other.list", "deb http://192.0.2.1/debian trixie main\n")
    content = machine.folder / "drive/payload.iso.content/packages"
    config = machine.folder / "upper/etc/containerd/config.toml"
    before = config.read_bytes()
    with machine.running() as machine:
        code, said, log = machine.step(STEP)
        yield from equal("another machine", (code, said), (
            1, "no interface has 10.9.0.11, the address of cp1; this machine has none"), log)
        machine.must("ip", "address", "add", "10.9.0.11/24", "dev", "lo")
        damaged = next(content.glob("socat_*.deb"))
        whole = damaged.read_bytes()
        damaged.chmod(0o644)
        damaged.write_bytes(whole[:-10] + bytes(10))
        code, said, log = machine.step(STEP)
        # The % of its name is another in the URL.
        yield from equal("damaged", (code, re.search("/socat_.* Hash Sum mismatch$", said) is not None), (1, True), log)
        damaged.write_bytes(whole)
        other = Document(folder / "other")
        done = other.render(fill(folder / "other/payload", other.images()))
        yield from equal("another document", done.returncode, 0, done.stdout)
        machine.insert(other.out / "payload.iso")
        code, said, log = machine.step(STEP)
        lacks = "it lacks one of packages/Packages; render with --payload again"
        yield from equal("of another document", (code, said, log.count(" failed with code ")), (
            1, f"the disk hagen-payload (/media/payload.iso) is not of this document: {lacks}", 0), log)
        lacking = Document(folder / "lacking", text=VARIANTS["packages"])
        payload = another(folder, "1.36.3", without="libnetfilter-conntrack3")
        done = lacking.render(fill(payload, lacking.images()))
        yield from equal("lacking", done.returncode, 0, done.stdout)
        machine.insert(lacking.out / "payload.iso")
        code, said, log = machine.step(STEP)
        unmet = re.search(r"^apt-get: conntrack : Depends: libnetfilter-conntrack3 \(.*but it is not installable", said)
        yield from equal("unmet", (code, unmet is not None), (1, True), log)
        machine.insert(document.out / "payload.iso")

        machine.must("sh", "-c", "sed s/trixie/bookworm/ /usr/lib/os-release >/etc/new && mv /etc/new /etc/os-release")
        code, said, log = machine.step(STEP)
        yield from equal("another release", (code, said), (
            1, "the packages of the payload are for trixie, and this machine is bookworm"), log)
        machine.must("ln", "-sf", "../usr/lib/os-release", "/etc/os-release")
        full = "printf '#!/bin/sh\necho Avail\necho 1\n' >/usr/local/bin/df; chmod +x /usr/local/bin/df"
        machine.must("sh", "-c", full)
        code, said, log = machine.step(STEP)
        full = re.search(r"^only 1 MiB are free under /usr; the packages need (\d+) MiB$", said)
        yield from equal("full", (code, full is not None and int(full[1]) > 50), (1, True), log)
        machine.must("rm", "/usr/local/bin/df")

        machine.must("sh", "-c", f'python3 -c "{LOCK}" >/dev/null 2>&1 &')
        until("the lock", lambda: machine.call("apt-get", "clean").returncode == 100)
        machine.must("touch", "/run/fail-preinst")
        code, said, log = machine.step(STEP)
        failed = re.search(r"^apt-get: dpkg: error processing .*returned error exit status 1$", said)
        yield from equal("fails", (code, failed is not None), (1, True), log)
        for phase in INTERRUPTS.values():
            machine.must("touch", f"/run/interrupt-{phase}")
            code, said, log = machine.step(STEP)
            yield from equal(phase, (code, said), (1, "apt-get: E: Sub-process /usr/bin/dpkg exited unexpectedly"), log)
        code, said, log = machine.step(STEP)
        yield from equal("installed", code, 0, log)
        code, said, log = machine.step(STEP)
        yield from equal("once more", code, 0, log)
        machine.must("sh", "-c", "! ls /run/hagen/apt/archives/*.deb")
        yield from equal("dpkg --audit", machine.must("dpkg", "--audit"), "")
        wanted = [line for line in machine.must("grep", "^PACKAGES=", "/etc/hagen/node.env").split("'")[1].split()]
        for name, _, version in (word.partition("=") for word in wanted):
            state = machine.must("dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", name).split()
            if state[0] != "installed" or not state[1].startswith(version.removesuffix("*")):
                yield f"{name} is {state}"
        yield from equal("held", machine.must("apt-mark", "showhold").split(), ["kubeadm", "kubelet"])
        yield from equal("containerd's configuration", config.read_bytes(), before)
        machine.must("sh", "-c", "! mountpoint /run/hagen/payload")
        first_boot(machine)
    for version in ("1.36.4", "1.36.2"):
        other = Document(folder / version, text=VARIANTS["packages"].replace("1.36.3", version))
        done = other.render(fill(another(folder, version), other.images()), "--tree")
        yield from equal(version, done.returncode, 0, done.stdout)
        machine.install(other)
        machine.insert(other.out / "payload.iso")
        with machine.running() as machine:
            log = first_boot(machine)
            have = machine.must("dpkg-query", "--show", "--showformat=${Version} ", "kubeadm", "kubelet")
            yield from equal("another bundle before 10-verify", have, f"{version}-1.1 " * 2, log)
    machine.insert(folder / "1.36.4/out/payload.iso")
    yield from upgrade(machine)


def first_boot(machine):
    """Boots until 10-verify, which misses much here."""
    machine.must("ip", "address", "replace", "10.9.0.11/24", "dev", "lo")
    done = machine.call("/var/lib/hagen/bin/firstboot")
    assert "failed: 10-verify: not installed: " in done.stdout, done.stdout[-3000:]
    return done.stdout


def upgrade(machine):
    """The commands of docs/air-gap.md; the machine's own programs are an older version."""
    _, first, last = later()
    machine.place("usr/local/bin/systemctl", "#!/bin/sh\n")
    with machine.running() as machine:
        done = machine.call("bash", "-euxo", "pipefail", "-c",
                            f"mount -o ro /dev/disk/by-label/hagen-payload /mnt\n{first}{last}")
        yield from equal("upgraded", done.returncode, 0, done.stdout)
        have = machine.must("dpkg-query", "--show", "--showformat=${Version} ", "kubeadm", "kubelet", "kubectl")
        yield from equal("versions", have, "1.36.4-1.1 " * 3, done.stdout)
        yield from equal("held", machine.must("apt-mark", "showhold").split(), ["kubeadm", "kubelet"])


def another(folder, version, without="none"):
    """The payload with another version of Kubernetes, and without a package."""
    payload = folder / f"payload-{version}"
    shutil.copytree(folder / "fetches/drive/payload", payload)
    for name in ("kubeadm", "kubelet", "kubectl"):
        (old,) = (payload / "packages").glob(f"{name}_*.deb")
        old.unlink()
        shutil.copy(folder / f"fetches/drive/repository/{name}_{version}-1.1_amd64.deb", payload / "packages")
    for path in (payload / "packages").glob(f"{without}_*.deb"):
        path.unlink()
    listed = must("apt-ftparchive", "packages", ".", cwd=payload / "packages", stderr=None)
    (payload / "packages/Packages").write_text(listed, encoding="utf-8")
    return payload


CHECKS = (packages,)
