#!/usr/bin/python3 -B
"""The first and only program of a user-mode Linux: mounts images and writes down what is in them.

`-- FOLDER`, on the host: FOLDER/wanted.json is a list of [device, options of the mount], FOLDER/seen.json becomes the
list of their trees. Without a kernel of its own: `tree` for the others.
"""

import ctypes
import hashlib
import json
import os
import stat
import subprocess
import sys
import traceback
from pathlib import Path

POWER_OFF = 0x4321FEDC


def digest(file):
    """SHA-256 of what is read from `file`; blocks of zeroes are only counted, for there are gigabytes of them."""
    found, zeroes = hashlib.sha256(), bytes(1 << 16)
    while block := file.read(len(zeroes)):
        found.update(b"%d zeroes" % len(block) if zeroes.startswith(block) else block)
    return found.hexdigest()


def tree(folder):
    """Everything below and `.` itself: path -> kind and mode, owner, time of change, size and `digest` of a file."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        entry = {"mode": f"{status.st_mode:o}", "owner": f"{status.st_uid}:{status.st_gid}", "time": status.st_mtime}
        if stat.S_ISREG(status.st_mode):
            with open(path, "rb") as file:
                entry |= {"size": status.st_size, "digest": digest(file)}
        found[f"{path.relative_to(folder)}"] = entry
    return found


def look(folder, wanted):
    modules = Path("/usr/lib/uml/modules") / os.uname().release / "kernel"
    for module in ("fs/nls/nls_utf8.ko", "drivers/cdrom/cdrom.ko", "fs/isofs/isofs.ko"):
        subprocess.run(["/usr/sbin/insmod", modules / module], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=True)
    Path("/mnt/image").mkdir()
    for device, options in wanted:
        subprocess.run(["mount", "-t", "iso9660", "-o", f"ro,{options}", device, "/mnt/image"], check=True)
        yield tree(Path("/mnt/image"))
        subprocess.run(["umount", "/mnt/image"], check=True)


def main():
    folder = Path(sys.argv[1])
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    wanted = json.loads((folder / "wanted.json").read_text())
    seen = [*look(folder, wanted)]
    # All else of the host is mounted read-only.
    Path("/mnt/host").mkdir()
    subprocess.run(["mount", "-t", "hostfs", "none", "/mnt/host", "-o", folder], check=True)
    Path("/mnt/host/seen.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    try:
        main()
    except Exception:  # pylint: disable=broad-exception-caught
        traceback.print_exc()
    finally:
        # If it ended, the kernel would panic.
        os.sync()
        ctypes.CDLL(None).reboot(POWER_OFF)
