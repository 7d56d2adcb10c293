"""systemd accepts every unit, and finds what it starts."""

import re
import shutil
import subprocess
from pathlib import Path

from bench import place

SYSTEM = "usr/lib/systemd/system"


def check(bench):
    for rendering in bench.renderings():
        for node in rendering.nodes:
            root = node.copy()
            # The targets that units hang on.
            shutil.copytree(Path("/") / SYSTEM, root / SYSTEM, symlinks=True)
            place(root, "bin/bash", "", 0o755)
            units = sorted(path.name for path in (root / "etc/systemd/system").glob("hagen-*.*"))
            yield f"{node} {len(units)} units", verify(root, units) + started(node, units) + later(node, units)


def verify(root, units):
    process = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={root}", *units], check=False, capture_output=True, text=True)
    # What it does not know it only warns of.
    lines = process.stderr.splitlines() or (["no units"] if not units else [])
    return lines if lines or process.returncode == 0 else [f"ended with {process.returncode}"]


def started(node, units):
    """The scripts that bash is given are in the bundle."""
    problems = []
    for unit in units:
        text = (node.root / "etc/systemd/system" / unit).read_text(encoding="utf-8")
        for script in re.findall(r"^Exec\w+=-?/bin/bash /(\S+)", text, re.M):
            if not (node.root / script).is_file():
                problems.append(f"{unit} starts /{script}, which is not there")
    return problems


def later(node, units):
    """The units that the last step enables are there, and each can be enabled."""
    environment = (node.root / "etc/hagen/node.env").read_text(encoding="utf-8")
    names = re.search(r"^LATER_UNITS=(.*)$", environment, re.M).group(1).strip("'").split()
    enabled = ["hagen-firstboot.service", *names]
    problems = [f"{name} is not in the bundle" for name in enabled if name not in units]
    for name in set(enabled) & set(units):
        if "[Install]" not in (node.root / "etc/systemd/system" / name).read_text(encoding="utf-8"):
            problems.append(f"{name} cannot be enabled")
    return problems
