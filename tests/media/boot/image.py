"""Debian with cloud-init and its usual kernel as a disk that boots, reports over the second serial port, and powers off."""

import debians
import store

RELEASES = ("bookworm", "trixie")
# Not the kernel for clouds, which knows no USB.
PACKAGES = ["bash", "cloud-init", "dbus", "iproute2", "linux-image-amd64", "netplan.io", "openssl", "procps",
            "systemd-resolved", "systemd-sysv", "udev"]
REPORT = """\
#!/bin/sh
exec >/dev/ttyS1 2>&1
# cloud-init is through, or was not asked; and hagen, where it is there, has said what is missing.
through() {
  [ -e /run/cloud-init/result.json ] || [ -e /run/cloud-init/disabled ] || return
  ! systemctl --quiet is-enabled hagen-firstboot.service || grep -q '"failed"' /run/hagen/status.json
}
for _ in $(seq 120); do through && break; sleep 1; done
say() { printf '== %s\\n' "$1"; shift; "$@"; }
say hostname hostname
say addresses ip -o -4 address show scope global
say cloud-init cat /run/cloud-init/result.json
say status cat /run/hagen/status.json
say marks ls /var/lib/hagen/steps
say damaged sh -c 'cd / && sha256sum --check --quiet /etc/hagen/SHA256SUMS'
say seed sh -c 'cd /var/lib/cloud/seed/nocloud && stat --format=%a * && sha256sum *'
say lock cat /etc/cloud/cloud.cfg.d/99-hagen-stick.cfg
say issue sh -c 'cat /run/issue.d/*'
say new find / -xdev -newer /etc/made -type f
[ ! -x /opt/extra ] || say extra /opt/extra
say complaints journalctl --no-pager --boot --priority=err --output=cat
printf '== end\\n'
sync
systemctl poweroff --force --force
"""
# The initrd has what these machines need, and not every driver that there is.
INITRD = """\
#!/bin/sh
[ "$1" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules virtio_pci virtio_blk ext4 xhci_pci usb_storage sd_mod ahci sr_mod isofs
"""
UNIT = """\
[Service]
ExecStart=/usr/local/sbin/report
[Install]
WantedBy=multi-user.target
"""
# Before the one that the system has: where the kernel's argument `cut=N` says so, the script on the stick stands still
# instead of its Nth call, until somebody pulls the plug.
SYNC = """\
#!/bin/sh
cut=$(sed -n 's/.* cut=\\([0-9]*\\).*/\\1/p' /proc/cmdline)
if [ "$cut" ] && [ -e /run/hagen-stick ]; then
  echo >>/run/syncs
  [ "$(wc -l </run/syncs)" -lt "$cut" ] || { echo '== cut' >/dev/ttyS1; exec sleep infinity; }
fi
exec /usr/bin/sync "$@"
"""


def image(release):
    """The folder with kernel, initrd and disk.img."""
    def make(folder):
        root = folder / "root"
        tools = folder / "before/etc/initramfs-tools"
        for path, text in (("hooks/boot", INITRD), ("conf.d/boot", "MODULES=list\n")):
            (tools / path).parent.mkdir(parents=True)
            (tools / path).write_text(text, encoding="utf-8")
            (tools / path).chmod(0o755)
        debians.bootstrap(root, release, PACKAGES, f'--setup-hook=cp -r {folder}/before/. "$1"')
        (root / "etc/resolv.conf").symlink_to("/run/systemd/resolve/stub-resolv.conf")
        files = [
            ("usr/local/sbin/report", REPORT, 0o755), ("usr/local/bin/sync", SYNC, 0o755),
            ("etc/cloud/cloud.cfg.d/90-boot.cfg", debians.CONFIGURATION, 0o644), ("etc/hostname", "new\n", 0o644),
            # The last two: this is not the first boot after an update of /usr.
            ("etc/made", "", 0o644), ("etc/.updated", "", 0o644), ("var/.updated", "", 0o644)]
        (root / "etc/systemd/system/report.service").write_text(UNIT, encoding="utf-8")
        store.run("systemctl", f"--root={root}", "--quiet", "enable", "report.service", "systemd-networkd.service")
        debians.disk(folder, root, files, "1800M")

    store.need("mmdebstrap", "e2fsprogs", "systemd")
    return store.entry(f"boot-{release}", [__file__, debians.__file__], [release], make)
