"""Debian with every program that sets up networks, as a root folder and as a machine that really boots.

This machine's kernel has neither bonding nor VLANs, so what a network becomes is
seen on QEMU with Debian's own kernel, without KVM. One image serves every boot:
what differs comes in a tar on a second disk, and is unpacked before systemd.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
from io import BytesIO

import debian
import store

RELEASES = ("bookworm", "trixie")
PACKAGES = ["bash", "cloud-init", "dbus", "iproute2", "kmod", "netplan.io", "network-manager", "python3-yaml",
            "systemd-resolved", "systemd-sysv", "udev"]
KERNEL = "linux-image-cloud-amd64"
# Other than the release that boots, a root needs no kernel.
BOOTED = "trixie"
DNSLESS = ("hostname", "resolv.conf", "apt/sources.list")
# Run by the kernel in place of systemd.
BEGIN = """\
#!/bin/sh
mount -o remount,rw /
tar -xf /dev/vdb -C /
exec /sbin/init
"""
REPORT = """\
#!/bin/sh
exec >/dev/ttyS1 2>&1
busy() {
  if systemctl --quiet is-active NetworkManager; then
    nmcli --terse --fields STATE device | grep -Evq '^(connected|connected [(]externally[)]|unmanaged)$'
  else
    networkctl list --no-legend --no-pager | awk '{print $5}' | grep -Evq '^(configured|unmanaged)$'
  fi
}
for _ in $(seq 90); do busy || break; sleep 1; done
say() { printf '== %s\\n' "$1"; shift; "$@"; }
say link ip -json -details link
say address ip -json address
say route ip -json route
say route6 ip -json -6 route
say dns resolvectl dns
say domain resolvectl domain
say bonds grep -H . /proc/net/bonding/*
say online systemctl show --property=Result --value systemd-networkd-wait-online NetworkManager-wait-online
say states networkctl --no-pager list
say devices nmcli device
say complaints journalctl --no-pager --boot --priority=warning --output=cat \\
  --unit=systemd-networkd --unit=NetworkManager --unit=systemd-udevd --unit=cloud-init-local
printf '== end\\n'
sync
systemctl poweroff --force --force
"""
UNIT = """\
[Unit]
Wants=network-online.target
After=network-online.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/report
"""
# Who sets up the network, and who does not.
NETWORKD = "systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service".split()
MANAGER = "NetworkManager.service NetworkManager-wait-online.service".split()


def root(release):
    """The folder of a Debian; made once, to be read only."""
    def make(folder):
        folder.chmod(0o755)
        packages = [*PACKAGES, *([KERNEL] if release == BOOTED else [])]
        store.run(
            "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(packages)}",
            "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
            release, folder / "root", f"deb [check-valid-until=no] {debian.mirror()} {release} main")
        etc = folder / "root/etc"
        (etc / "machine-id").write_text("", encoding="utf-8")
        for name in DNSLESS:
            (etc / name).unlink(missing_ok=True)
        (etc / "resolv.conf").symlink_to("/run/systemd/resolve/stub-resolv.conf")

    store.need("mmdebstrap", "iproute2")
    return store.entry(f"network-{release}", [__file__, debian.__file__], [release], make) / "root"


def image():
    """The folder with kernel, initrd and disk.img."""
    def make(folder):
        place = folder / "root"
        store.run("cp", "-a", "--reflink=auto", root(BOOTED), place)
        for path, text, mode in (
                ("usr/local/sbin/begin", BEGIN, 0o755), ("usr/local/sbin/report", REPORT, 0o755),
                ("etc/systemd/system/report.service", UNIT, 0o644), ("etc/hostname", "boot\n", 0o644)):
            (place / path).write_text(text, encoding="utf-8")
            (place / path).chmod(mode)
        wants = place / "etc/systemd/system/multi-user.target.wants/report.service"
        wants.parent.mkdir(exist_ok=True)
        wants.symlink_to("/etc/systemd/system/report.service")
        store.run("chroot", place, "systemctl", "--quiet", "enable", *NETWORKD, *MANAGER)
        for kind in ("vmlinuz", "initrd.img"):
            (found,) = place.glob(f"boot/{kind}-*")
            shutil.move(found, folder / kind)
        store.run("mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", place, folder / "disk.img", "1500M")
        shutil.rmtree(place)

    store.need("e2fsprogs")
    return store.entry("network-image", [__file__, debian.__file__], [BOOTED], make)


def nic(number, network):
    address = f"52:54:00:00:09:{number:02x}"
    return ["-netdev", network, "-device", f"virtio-net-pci,netdev=n{number},mac={address},romfile="]


def hub(number, hub_number):
    return nic(number, f"hubport,hubid={hub_number},id=n{number}")


# As documents/boot.yaml says. Nothing of it reaches this machine or another.
NICS = [*hub(1, 1), *hub(2, 1), *hub(3, 2), *hub(4, 2), *hub(6, 3),
        *nic(5, "user,id=n5,restrict=on,net=172.29.0.0/24,dhcpstart=172.29.0.15,ipv6-net=fd00:29::/64")]


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
    arguments = f"root=LABEL=root rw console=ttyS0 quiet init=/usr/local/sbin/begin {masked}"
    if not cloud_init:
        arguments += " cloud-init=disabled"
    command = [
        "nice", "-n", "19", "qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max",
        "-machine", "q35,usb=off", "-m", "768", "-smp", "2", "-display", "none", "-no-reboot", "-nic", "none",
        "-kernel", made / "vmlinuz", "-initrd", made / "initrd.img", "-append", arguments,
        "-drive", f"file={made / 'disk.img'},if=virtio,format=raw,snapshot=on",
        "-drive", f"file={folder / 'files.tar'},if=virtio,format=raw,readonly=on",
        "-device", "virtio-rng-pci", "-serial", f"file:{folder / 'console'}", "-serial", f"file:{folder / 'report'}",
        *NICS]
    # Its snapshot goes where this run's folder goes.
    environment = os.environ | {"TMPDIR": str(folder)}
    process = subprocess.Popen([str(word) for word in command], env=environment, stdin=subprocess.DEVNULL)
    stopper = threading.Timer(seconds, process.kill)
    stopper.start()
    try:
        while process.poll() is None:
            if debian.STOP.wait(0.5):
                raise KeyboardInterrupt
    finally:
        stopper.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
    text = (folder / "report").read_text(errors="replace").replace("\r", "")
    sections = dict(re.findall(r"^== (.*)\n((?:(?!== ).*\n)*)", text, re.M))
    if "end" not in sections:
        console = (folder / "console").read_text(errors="replace").splitlines()
        raise RuntimeError("\n".join(["the machine has not come to its end", *console[-30:], *text.splitlines()[-30:]]))
    return {name: json.loads(text) if text.startswith("[") else text for name, text in sections.items()}
