"""Debians as root folders, and as disks that QEMU boots (`power.py`)."""

import shutil
import subprocess

import store

# Of cloud-init. There is no disk to grow, and no locale but this one.
CONFIGURATION = """\
growpart: {mode: "off"}
resize_rootfs: false
locale: C.UTF-8
"""
# Run by the kernel in place of systemd: what differs between boots is a tar on a second disk.
BEGIN = """\
#!/bin/sh
mount -o remount,rw /
tar -xf /dev/vdb -C /
exec /sbin/init
"""


def mirror():
    """The Debian archive of this machine's own apt sources."""
    query = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Label: Debian", "Component: main"]
    return subprocess.run(query, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[0]


def bootstrap(root, release, packages, *options):
    """Make the folder `root`, a Debian that does not know yet which machine it is."""
    store.run(
        "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(packages)}",
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*", *options,
        release, root, f"deb [check-valid-until=no] {mirror()} {release} main")
    (root / "etc/machine-id").write_text("", encoding="utf-8")
    for name in ("hostname", "resolv.conf", "apt/sources.list"):
        (root / "etc" / name).unlink(missing_ok=True)


def disk(folder, root, files, size):
    """Make `vmlinuz`, `initrd.img` and `disk.img` of a root with a kernel, and of `files` (path, text, mode). The root is
    gone then."""
    for path, text, mode in (("usr/local/sbin/begin", BEGIN, 0o755), *files):
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)
    for kind in ("vmlinuz", "initrd.img"):
        (found,) = root.glob(f"boot/{kind}-*")
        shutil.move(found, folder / kind)
    store.run("mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", root, folder / "disk.img", size)
    shutil.rmtree(root)
