"""A machine that really boots, for what a network becomes: QEMU without KVM, and Debian's own kernel.

This machine's kernel has neither bonding nor VLANs, so containers cannot show it.
"""

import json
import os
import re
import subprocess
import tarfile
from io import BytesIO

import store
from systems import MANAGER, NETWORKD, image

# cmpxchg16b of QEMU 7.2 leaves wrong flags behind, and the kernel in a panic.
CPU = "max,cx16=off"


def nic(number, network):
    """One that says how fast it is: 802.3ad uses no other."""
    address = f"52:54:00:00:09:{number:02x}"
    return ["-netdev", network, "-device", f"virtio-net-pci,netdev=n{number},mac={address},speed=1000,duplex=full,romfile="]


def hub(number, hub_number):
    return nic(number, f"hubport,hubid={hub_number},id=n{number}")


# As networks/boot.yaml says. Nothing of it reaches this machine or another.
NICS = [*hub(1, 1), *hub(2, 1), *hub(3, 2), *hub(4, 2),
        *nic(5, "user,id=n5,restrict=on,net=172.29.0.0/24,dhcpstart=172.29.0.15,ipv6-net=fd00:29::/64"),
        *nic(6, "user,id=n6,restrict=on,ipv6=off")]


def boot(folder, files, manager, cloud_init, seconds=600):
    """Boot with `files` (path, text, mode) on the disk; the sections of the report."""
    folder.mkdir(parents=True)
    store.need("qemu-system-x86")
    made = image()
    with tarfile.open(folder / "files.tar", "w") as tar:
        for path, text, mode in files:
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(text.encode()), mode
            tar.addfile(entry, BytesIO(text.encode()))
    masked = " ".join(f"systemd.mask={unit}" for unit in (NETWORKD if manager else MANAGER))
    arguments = f"root=LABEL=root rw console=ttyS0 quiet panic=-1 init=/usr/local/sbin/begin {masked}"
    if not cloud_init:
        arguments += " cloud-init=disabled"
    command = [
        "setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", CPU,
        "-machine", "q35,usb=off", "-m", "768", "-smp", "2", "-display", "none", "-no-reboot", "-nic", "none",
        "-kernel", made / "vmlinuz", "-initrd", made / "initrd.img", "-append", arguments,
        "-drive", f"file={made / 'disk.img'},if=virtio,format=raw,snapshot=on",
        "-drive", f"file={folder / 'files.tar'},if=virtio,format=raw,readonly=on",
        "-device", "virtio-rng-pci", "-serial", f"file:{folder / 'console'}", "-serial", f"file:{folder / 'report'}",
        *NICS]
    # Its snapshot goes where this run's folder goes.
    environment = os.environ | {"TMPDIR": str(folder)}
    with open(folder / "said", "wb") as said, subprocess.Popen(
            [str(word) for word in command], env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()
    text = (folder / "report").read_text(errors="replace").replace("\r", "")
    sections = dict(re.findall(r"^== (.*)\n((?:(?!== ).*\n)*)", text, re.M))
    if "end" not in sections:
        ends = [(folder / name).read_text(errors="replace").splitlines()[-30:] for name in ("said", "console", "report")]
        raise RuntimeError("\n".join(["the machine has not come to its end", *(line for end in ends for line in end)]))
    return {name: json.loads(text) if text.startswith("[{") else text for name, text in sections.items()}
