"""Every command of docs/pxe.md and docs/libvirt.md."""

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
# What the pages' commands find beside real programs. serve.sh serves until it is stopped: as soon as it has answered.
TOOLS = {
    "hagen": 'exec "$HAGEN" "$@" --quiet',
    "kubectl": '[[ "$*" == "--kubeconfig out/kubeconfig get nodes" && -s out/kubeconfig ]]',
    "scp": '[[ $1 == root@debian:/* ]] && echo "${1##*/}" >"$2"',
    "sudo": """[[ $1 == */serve.sh ]] || exec "$@"
"$@" >"$STATE/served" 2>&1 &
curl --silent --fail --retry 100 --retry-delay 1 --retry-connrefused http://10.9.0.2/images/debian/kernel
code=$?
kill %1
wait
exit $code""",
}
# Namespaces of its own: the NIC that the page names, and libvirt's folder.
PLACE = """
set -e
ip link set lo up
ip link add eth0 type bridge
ip address add 10.9.0.2/24 dev eth0
ip link set eth0 up
mount -t tmpfs tmpfs /var/lib
mkdir -p /var/lib/libvirt/images
for text in "$@"; do
  bash -euo pipefail -c "$text"
done
ls /var/lib/libvirt/images
"""


def blocks(name, language):
    """The blocks of docs/NAME.md."""
    text = (REPOSITORY / f"docs/{name}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def run(site, name, document):
    """The folder that the page's commands were run in, what they said, and what is wrong."""
    home = site.folder / f"page-{name}"
    tools, state = home / "tools", home / "state"
    for path in (tools, state):
        path.mkdir(parents=True)
    for tool, text in TOOLS.items():
        (tools / tool).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        (tools / tool).chmod(0o755)
    (tools / "virsh").symlink_to(HERE / "virsh")
    (home / "cluster.yaml").write_text(document, encoding="utf-8")
    image = home / "debian-13-with-kubernetes.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "1G"], check=True)
    environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "HAGEN": str(site.hagen), "STATE": str(state)}
    done = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
         "bash", "-c", PLACE, "bash", *blocks(name, "sh")],
        cwd=home, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    # The first render says that it has made secrets.
    errors = [line for line in done.stderr.splitlines() if not line.startswith("made cluster.secrets.yaml")]
    wrong = [] if done.returncode == 0 and not errors else [f"it ended with {done.returncode}", *done.stdout.splitlines(), *errors]
    return home, done.stdout.splitlines(), wrong


def page_pxe(site):
    """every command of docs/pxe.md does what the page says, and its document is right"""
    home, said, wrong = run(site, "pxe", blocks("pxe", "yaml")[0])
    yield from wrong
    # As scp brought it, over HTTP.
    if said != ["vmlinuz"]:
        yield f"served: {said}"
    if "DHCP, static leases only on 10.9.0.0" not in (home / "state/served").read_text(encoding="utf-8"):
        yield "dnsmasq did not start"
    page = (REPOSITORY / "docs/pxe.md").read_text(encoding="utf-8")
    for path in re.findall(r"^\| `([^`]+)`", page[page.index("| path | what |"):], re.M):
        if not (home / "out/pxe" / path.replace("NAME", "w1" if "ign" in path else "cp1")).exists():
            yield f"{path} is not there"


def page_libvirt(site):
    """every command of docs/libvirt.md does what the page says, with a stand-in for virsh"""
    home, said, wrong = run(site, "libvirt", (REPOSITORY / "examples/ha.yaml").read_text(encoding="utf-8"))
    yield from wrong
    done = (home / "state/log").read_text(encoding="utf-8").splitlines()
    names = [f"{node}.homelab" for node in ("cp1", "cp2", "cp3", "w1")]
    wanted = ["net-define homelab", "net-start homelab"]
    wanted += [f"{verb} {name}" for name in names for verb in ("define", "start")]
    wanted += ["console cp1.homelab"]
    wanted += [f"{verb} {name}" for name in names for verb in ("destroy", "undefine")]
    wanted += ["net-destroy homelab", "net-undefine homelab"]
    if done != wanted:
        yield f"virsh was told {done}, not {wanted}"
    if said[-1:] != ["debian.qcow2"]:
        yield f"left in libvirt's folder: {said[-3:]}"
