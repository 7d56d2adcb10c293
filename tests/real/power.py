"""Machines that really boot: QEMU without KVM, which `debians.disk` has made a disk for. No network is needed."""

import os
import re
import subprocess
import tarfile
from io import BytesIO

# cmpxchg16b of QEMU 7.2 leaves wrong flags behind, and the kernel in a panic.
CPU = "max,cx16=off"


def pack(path, files):
    """The tar of the second disk, of `files` (path, text or bytes, mode)."""
    with tarfile.open(path, "w") as tar:
        for name, content, mode in files:
            content = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, BytesIO(content))


def qemu(folder, made, image, arguments, *options, processors=2):
    """Power on a machine with the kernel and initrd of `made`, and `image` as its disk: its process. What it says is in the
    folder's files `console` and `report`, its two serial ports, and `said`, QEMU's own."""
    command = [
        "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", CPU,
        "-machine", "q35,usb=off", "-m", "768", "-smp", processors, "-display", "none", "-nic", "none",
        "-kernel", made / "vmlinuz", "-initrd", made / "initrd.img",
        "-append", f"root=LABEL=root rw console=ttyS0 quiet panic=-1 init=/usr/local/sbin/begin {arguments}",
        "-drive", f"file={image},if=virtio",
        "-drive", f"file={folder / 'files.tar'},if=virtio,format=raw,readonly=on",
        "-device", "virtio-rng-pci", "-serial", f"file:{folder / 'console'}", "-serial", f"file:{folder / 'report'}",
        *options]
    # Snapshots go where this folder goes.
    environment = os.environ | {"TMPDIR": str(folder)}
    with open(folder / "said", "wb") as said:
        return subprocess.Popen(
            [str(word) for word in command], env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)


def report(folder):
    """What the machine has written to its second serial port: text by section. The last one is `end`."""
    # To a terminal, iproute2 writes in colours.
    text = re.sub(r"\r|\x1b\[[\d;]*m", "", (folder / "report").read_text(errors="replace"))
    sections = dict(re.findall(r"^== (.*)\n((?:(?!== ).*\n)*)", text, re.M))
    if "end" not in sections:
        ends = [(folder / name).read_text(errors="replace").splitlines()[-30:] for name in ("said", "console", "report")]
        raise RuntimeError("\n".join(["the machine has not come to its end", *(line for end in ends for line in end)]))
    return sections
