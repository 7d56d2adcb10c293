"""Debian with every program that sets up networks, as a root folder and as an image that boots.

A report comes back over the second serial port.
"""

import debians
import store

RELEASES = ("bookworm", "trixie")
PACKAGES = ["bash", "cloud-init", "dbus", "iproute2", "kmod", "netplan.io", "network-manager", "python3-yaml",
            "systemd-resolved", "systemd-sysv", "udev"]
# Only this release boots, and needs a kernel.
BOOTED, KERNEL = "trixie", "linux-image-cloud-amd64"
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
say devices nmcli --colors no device
say blame systemd-analyze --no-pager blame
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
        debians.bootstrap(folder / "root", release, packages)
        (folder / "root/etc/resolv.conf").symlink_to("/run/systemd/resolve/stub-resolv.conf")

    store.need("mmdebstrap", "iproute2")
    return store.entry(f"network-{release}", [__file__, debians.__file__], [release], make) / "root"


def image():
    """The folder with kernel, initrd and disk.img."""
    def make(folder):
        place = folder / "root"
        store.run("cp", "-a", "--reflink=auto", root(BOOTED), place)
        wants = place / "etc/systemd/system/multi-user.target.wants/report.service"
        wants.parent.mkdir(exist_ok=True)
        wants.symlink_to("/etc/systemd/system/report.service")
        store.run("chroot", place, "systemctl", "--quiet", "enable", *NETWORKD, *MANAGER)
        files = [("usr/local/sbin/report", REPORT, 0o755), ("etc/systemd/system/report.service", UNIT, 0o644),
                 ("etc/hostname", "boot\n", 0o644)]
        debians.disk(folder, place, files, "1500M")

    store.need("e2fsprogs")
    return store.entry("network-image", [__file__, debians.__file__], [BOOTED], make)
