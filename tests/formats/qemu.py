"""A machine that really boots, for what a network becomes: QEMU without KVM, and Debian's own kernel.

This machine's kernel has neither bonding nor VLANs, so containers cannot show it.
"""

import json
import subprocess

import power
import store
from systems import MANAGER, NETWORKD, image


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
    power.pack(folder / "files.tar", files)
    masked = " ".join(f"systemd.mask={unit}" for unit in (NETWORKD if manager else MANAGER))
    arguments = masked if cloud_init else f"{masked} cloud-init=disabled"
    disk = f"{made / 'disk.img'},format=raw,snapshot=on"
    with power.qemu(folder, made, disk, arguments, "-no-reboot", *NICS) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()
    sections = power.report(folder)
    return {name: json.loads(text) if text.startswith("[{") else text for name, text in sections.items()}
