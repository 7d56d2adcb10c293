"""The step 25-images on a machine with a real containerd."""

import shutil
import time

from lab import Document, Machine, equal, fill, later, must

import programs
import store
from small_images import digest, noise

STEP = "25-images"
DISK = "the disk hagen-payload (/media/payload.iso)"
# The power goes away at an import: before it, or once it is done.
POWER_CUT = """\
#!/bin/sh
case "$*" in
*"images import"*)
  echo >>/run/imports
  [ "$(wc -l </run/imports)" -ge NUMBER ] || exec /usr/bin/ctr "$@"
  DONE
  # The step, of whose pipe this is a part.
  read -r _ _ _ step _ <"/proc/$PPID/stat"
  kill -KILL "$step"
  exit
  ;;
esac
exec /usr/bin/ctr "$@"
"""


def prepare(folder, *extra):
    """A document, its payload, and the names that the first control plane has afterwards."""
    document = Document(folder / "document", *extra)
    payload = fill(folder / "payload", document.images())
    done = document.render(payload, "--tree")
    assert done.returncode == 0, done.stdout
    return document, names(document)


def names(document, node="cp1"):
    """What containerd calls a node's images once they are loaded."""
    wanted = (document.out / f"nodes/{node}/rootfs/etc/hagen/images").read_text(encoding="utf-8").splitlines()
    listed = must("bsdtar", "-xOf", document.out / "payload.iso", "images.tsv").splitlines()
    rows = [line.split("\t") for line in listed]
    return {name for row in rows if row[0] in wanted for name in row[:2]}, set(wanted)


def loaded(machine, expected):
    """The images have these names and no others, and the wanted ones are pinned and known to CRI."""
    every, wanted = expected
    found = machine.names()
    yield from equal("names", {name for name in found if not name.startswith("sha256:")}, every)
    for name in sorted(wanted & found.keys()):
        if "io.cri-containerd.pinned=pinned" not in found[name]:
            yield f"{name} is not pinned: {found[name]}"
        if "io.cri-containerd.image=managed" not in found[name]:
            yield f"CRI does not know {name}: {found[name]}"
    yield from equal("holes", machine.holes(), [])
    # containerd 1.6 does not know the label: there the kubelet collects nothing.
    pins = not machine.must("containerd", "--version").split()[2].startswith("1.6.")
    pinned = set()
    for _ in range(50 if pins else 1):
        # CRI hears of it a little later.
        pinned = machine.pinned()
        if wanted <= pinned:
            break
        time.sleep(0.1)
    yield from equal("pinned, says CRI", pinned & wanted, wanted if pins else set())


def trixie(folder, document, containerd=()):
    machine = Machine(folder / "machine", store.real("debian") / "root", containerd)
    machine.install(document)
    machine.insert(document.out / "payload.iso")
    return machine


def load(folder):
    """All images, none twice; without a disk, with a damaged one, that of another document, and too little space."""
    digests = f"quay.io/a/b@sha256:{digest(b'one')}"
    document, expected = prepare(folder, "alpine:3.20", digests)
    machine = trixie(folder, document)
    with machine.running() as machine:
        machine.serve()
        code, said, log = machine.step(STEP)
        yield from equal("loaded", code, 0, log)
        yield from loaded(machine, expected)
        yield from equal("errors on the way", [line for line in log.splitlines() if "failed" in line], [])
        machine.must("sh", "-c", "[ ! -e /var/lib/hagen/loading ] && ! mountpoint /run/hagen/payload")
        code, _, log = machine.step(STEP)
        yield from equal("once more", code, 0, log)
        yield from loaded(machine, expected)

        image = document.out / "payload.iso"
        whole = image.read_bytes()
        spoilt = bytearray(whole)
        spoilt[whole.index(noise("docker.io/library/alpine:3.20")[:64])] ^= 1
        image.write_bytes(spoilt)
        machine.insert(image)
        listed = must("bsdtar", "-xOf", image, "images.tsv").splitlines()
        path = next(line.split("\t")[2] for line in listed if "alpine" in line)
        yield from fails(machine, 1, f"{DISK} is damaged: {path}: FAILED; write it again")
        spoilt = whole.replace(b"alpine:3.20\timages/", b"alpine:3.21\timages/")
        assert spoilt != whole
        image.write_bytes(spoilt)
        machine.insert(image)
        yield from fails(machine, 1, f"{DISK} is damaged: images.tsv: FAILED; write it again")
        machine.insert()
        none = "no disk with the label hagen-payload is in this machine; put payload.iso into a drive"
        yield from fails(machine, 75, none)
        other, _ = prepare(folder / "other", "alpine:3.20")
        machine.insert(other.out / "payload.iso")
        yield from fails(machine, 1, f"{DISK} has no {digests}; render with --payload again")
        # Two disks with the label: which one was looked at.
        image.write_bytes(whole)
        shutil.copy(image, machine.folder / "drive/right.iso")
        both = "the disk hagen-payload (/media/payload.iso, not /media/right.iso with the same label)"
        yield from fails(machine, 1, f"{both} has no {digests}; render with --payload again")
        machine.insert(image)
    rows = [line.split("\t") for line in must("bsdtar", "-xOf", image, "images.tsv").splitlines()]
    needed = int(sum(int(row[3]) for row in rows if row[0] in expected[1]) * 1.25 / (1 << 20)) + 1
    with machine.running(size="1m") as machine:
        machine.serve()
        code, said, log = machine.step(STEP)
        free, *_ = [word for word in said.split() if word.isdigit()] or [""]
        yield from equal("full", (code, said), (
            1, f"only {free} MiB are free under /var/lib/containerd; the images need {needed} MiB"), log)


def fails(machine, code, sentence):
    found, said, log = machine.step(STEP)
    yield from equal("the sentence", (found, said), (code, sentence), log)
    # The trap for what nobody expected adds one of its own.
    yield from equal("unexpected", [line for line in log.splitlines() if " failed with code " in line], [])


def power(folder):
    """What an interrupted boot left is forgotten and loaded anew; what was there before is not."""
    document, expected = prepare(folder, "alpine:3.20")
    for case, number, done in (("early", 1, "true"), ("late", 2, '/usr/bin/ctr "$@"')):
        machine = trixie(folder / case, document)
        machine.place("usr/local/bin/ctr", POWER_CUT.replace("NUMBER", str(number)).replace("DONE", done))
        with machine.running() as machine:
            machine.serve()
            yield from equal(f"{case}: killed", machine.step(STEP)[0], -9)
        (machine.folder / "upper/usr/local/bin/ctr").unlink()
        content = machine.folder / "containerd"
        blobs = [*content.glob("io.containerd.content.v1.content/blobs/sha256/*")]
        layers = [*content.glob("*overlayfs/snapshots/*/fs/content")]
        torn = [path for path in blobs + layers if path.stat().st_size >= 20000]
        yield from equal(f"{case}: there are blobs and layers", bool(torn), case == "late")
        for path in torn:
            path.chmod(0o644)
            path.write_bytes(bytes(path.stat().st_size))
        with machine.running() as machine:
            machine.serve()
            code, _, log = machine.step(STEP)
            yield from equal(f"{case}: repeated", code, 0, log)
            yield from equal(f"{case}: forgotten", "forgetting the images" in log, True, log)
            yield from loaded(machine, expected)
        layers = [path.read_bytes() for path in content.glob("*overlayfs/snapshots/*/fs/content")]
        yield from equal(f"{case}: layers", len(layers), len(expected[1]) + 1)
        yield from equal(f"{case}: empty layers", [layer for layer in layers if not any(layer)], [])


def upgrade(folder):
    """The commands of docs/air-gap.md load the images of another document into a machine that runs."""
    digests = f"quay.io/a/b@sha256:{digest(b'one')}"
    document, _ = prepare(folder, "alpine:3.20", digests)
    listed = must("bsdtar", "-xOf", document.out / "payload.iso", "images.tsv").splitlines()
    rows = [line.split("\t") for line in listed]
    every = {name for row in rows for name in row[:2]}, {row[0] for row in rows}
    for release, parts in programs.containerds().items():
        machine = trixie(folder / release, document, parts)
        with machine.running() as machine:
            machine.serve()
            # What runs already goes on under its name until it is replaced.
            for _ in range(2):
                done = machine.call("bash", "-euxo", "pipefail", "-c", later()[0] + "umount /mnt\n")
                yield from equal(release, done.returncode, 0, done.stdout)
            yield from (f"{release}: {line}" for line in loaded(machine, every))


CHECKS = (load, power, upgrade)
