"""The real Ignition: Debian's, put before a root folder as an initramfs would, and the newest one, which knows Proxmox."""

import base64
import gzip
import json
import os
import subprocess
import tempfile
from pathlib import Path

import store

# What whoever calls from here has to install, once.
PACKAGES = ("ignition", "passwd", "util-linux")
PROGRAM = "/usr/lib/dracut/modules.d/30ignition/ignition"
# Debian's 2.14 knows no Proxmox.
NEWEST = "2.26.0"
# Debian's build relabels what it wrote and gives up where there is no policy: it is shown an empty one.
POLICY = {"config": "SELINUX=disabled\nSELINUXTYPE=none\n", "none/contexts/files/file_contexts": ""}
# %s stands for commands before, for the program, and for commands after.
STAGES = """
set -eu
config=$1 root=$2 work=$3
mount --make-rprivate /
%s
mkdir -p "$root/etc/selinux"
mount --bind "$work/selinux" "$root/etc/selinux"
export PATH="$work/bin:$PATH" IGNITION_CONFIG_FILE="$config" IGNITION_SYSTEM_CONFIG_DIR=/nonexistent
# Where sshd looks by default; systems that have Ignition also look into authorized_keys.d.
export IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT=false
for stage in fetch-offline files; do
  %s -platform file -stage $stage -root "$root" -config-cache "$work/cache.ign" -state-file "$work/state" \\
    -neednet "$work/neednet" -log-to-stdout
done
umount "$root/etc/selinux"
%s
rmdir --ignore-fail-on-non-empty "$root/etc/selinux"
"""
# What it leaves besides what the config asks for: its report, the units to enable, and its changes of accounts.
TRACES = {
    "/etc/.ignition-result.json", "/etc/.pwd.lock", "/etc/systemd/system-preset",
    "/etc/systemd/system-preset/20-ignition.preset",
    *(f"/etc/{name}{old}" for name in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid") for old in ("", "-")),
}


def newest():
    """The program, from its Go module. It needs C: libblkid, and users by glibc."""
    def make(folder):
        environment = os.environ | {"GOBIN": str(folder), "CGO_ENABLED": "1", "GOFLAGS": "-trimpath", "GOGC": "400"}
        store.run("go", "install", "-ldflags=-s -w", "-gcflags=all=-dwarf=false",
                  f"github.com/coreos/ignition/v2/internal@v{NEWEST}",
                  env=environment, preexec_fn=lambda: os.nice(19))
        (folder / "internal").rename(folder / "ignition")

    store.need("gcc", "libblkid-dev", "libc6-dev")
    return store.entry("ignition", [__file__], [NEWEST, store.go()], make) / "ignition"


def files(config):
    """The bytes of every file in a config, by path."""
    found = {}
    for file in json.loads(Path(config).read_text(encoding="utf-8"))["storage"]["files"]:
        content = base64.b64decode(file["contents"]["source"].removeprefix("data:;base64,"))
        found[file["path"]] = gzip.decompress(content) if file["contents"].get("compression") else content
    return found


def validate(config):
    """What ignition-validate says to a config; nothing where it is content."""
    result = subprocess.run(["ignition-validate", config], check=False, capture_output=True, text=True)
    return (result.stdout + result.stderr).strip() or ("" if result.returncode == 0 else f"code {result.returncode}")


def apply(config, root, before="", after=""):
    """Ignition's stages that write into `root`; what they said where they failed, else None.

    `before` and `after` are commands of sh in the same namespace of mounts, which know `$root`.
    """
    with tempfile.TemporaryDirectory(prefix="ignition.") as folder:
        work = Path(folder)
        for name, content in POLICY.items():
            file = work / "selinux" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
        setfiles = work / "bin/setfiles"
        setfiles.parent.mkdir()
        setfiles.write_text("#!/bin/sh\nexec cat >/dev/null\n", encoding="utf-8")
        setfiles.chmod(0o755)
        result = subprocess.run(
            ["unshare", "--mount", "sh", "-c", STAGES % (before, PROGRAM, after), "sh", str(config), str(root), str(work)],
            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return result.stdout if result.returncode else None
