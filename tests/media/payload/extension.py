"""A system extension: 05-software lays it over /usr, by a real systemd-sysext."""

import shutil

from lab import Document, Machine, equal, fill, must
from mirror import VARIANTS
from packages import STEP

import store
from small_images import docker_archive

FILE = "kubernetes-v1.36.3-x86-64.raw"


def extension(folder):
    """systemd-sysext brings kubeadm from the payload; a later boot finds it again."""
    source = folder / "source"
    release = source / "usr/lib/extension-release.d/extension-release.kubernetes"
    release.parent.mkdir(parents=True)
    release.write_text("ID=_any\n", encoding="utf-8")
    (source / "usr/bin").mkdir()
    (source / "usr/bin/kubeadm").write_text("#!/bin/sh\necho v1.36.3\n", encoding="utf-8")
    (source / "usr/bin/kubeadm").chmod(0o755)
    document = Document(folder / "document", text=VARIANTS["extensions"])
    payload = fill(folder / "payload", document.images())
    done = document.render(payload)
    said = f"error[HAGEN116]: {payload} has no extensions/{FILE}"
    yield from equal("without it", (done.returncode, done.stdout.splitlines()[0]), (1, said))
    (payload / "extensions").mkdir()
    must("mksquashfs", source, payload / "extensions" / FILE, "-quiet", "-no-progress")
    others = folder / "others"
    for number, archived in enumerate(sorted(set(document.images().values()))):
        docker_archive(others / f"images/{number}.tar", archived, architecture="arm64")
    shutil.copytree(payload / "extensions", others / "extensions")
    done = document.render(others)
    said = f"error[HAGEN148]: extensions/{FILE} is for amd64, and the images are for arm64"
    yield from equal("another processor", (done.returncode, done.stdout.splitlines()[0]), (1, said))
    done = document.render(payload, "--tree")
    yield from equal("render", done.returncode, 0, done.stdout)

    machine = Machine(folder / "machine", store.real("debian") / "root")
    machine.place("usr/local/bin/systemctl", "#!/bin/sh\necho \"$@\" >>/run/systemctl\n")
    machine.install(document)
    machine.insert(document.out / "payload.iso")
    with machine.running() as machine:
        machine.must("ip", "address", "add", "10.9.0.11/24", "dev", "lo")
        for _ in range(2):
            code, _, log = machine.step(STEP)
            yield from equal("installed", code, 0, log)
        yield from equal("kubeadm", machine.must("/usr/bin/kubeadm"), "v1.36.3\n")
        yield from equal("systemctl", set(machine.must("cat", "/run/systemctl").splitlines()), {"daemon-reload"})
    machine.insert()
    with machine.running() as machine:
        yield from equal("before systemd-sysext.service", machine.call("/usr/bin/kubeadm").returncode, 127)
        machine.must("systemd-sysext", "refresh")
        yield from equal("a later boot", machine.must("/usr/bin/kubeadm"), "v1.36.3\n")


CHECKS = (extension,)
