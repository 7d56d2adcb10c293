"""Every command of docs/proxmox.md, and those of docs/usb.md that write the stick."""

import os
import re
import shutil
import subprocess

from api import Api
from lab import ETC_PVE, ROOT, TOKEN, Lab, certificate, equal, renderer


def blocks(language, page="proxmox"):
    """The blocks of docs/proxmox.md, or of another page."""
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


# What the page's commands find on a workstation; the Proxmox node is the folder $NODE.
TOOLS = {
    "hagen": f'"$RENDERER" "$@" --quiet 2>/dev/null && {ETC_PVE}',
    "kubectl": '[[ "$*" == "--kubeconfig out/kubeconfig get nodes" ]]',
    "rsync": """[[ "${*:1:3}" == "-a --delete --exclude" ]]
to=$NODE/root/${6#*:}
rm -rf "$to"
cp -a "$5" "$to"
rm "$to$4\"""",
    "scp": """from=$1 to=$2
[[ $from != root@pve:* ]] || from=$NODE${from#root@pve:}
[[ $to != root@pve:* ]] || to=$NODE${to#root@pve:}
cp "$from" "$to\"""",
    "ssh": '[[ $1 == root@pve ]] && cd "$NODE/root" && shift && PATH=$NODE/bin:$PATH HOSTNAME=pve exec bash -c "$*"',
}


def page(lab):
    """Every command of docs/proxmox.md does what the page says, in the page's order."""
    lab = Lab(lab.folder / "page", blocks("yaml")[0])
    shutil.rmtree(lab.out)
    home, tools, node = lab.folder / "home", lab.folder / "tools", lab.folder / "node"
    for path in (home, tools, node / "root", node / "var/lib", node / "etc/pve"):
        path.mkdir(parents=True)
    for name, text in TOOLS.items():
        (tools / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    (node / "bin").symlink_to(lab.bin)
    (node / "var/lib/vz").symlink_to(lab.proxmox / "pve")
    (home / "cluster.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    (home / "debian-13.qcow2").write_text("an image", encoding="utf-8")
    (home / "token").write_text(TOKEN, encoding="utf-8")
    api = Api(lab.proxmox, TOKEN, certificate(lab.folder, "pve"))
    shutil.copy(lab.folder / "pve.pem.crt", node / "etc/pve/pve-root-ca.pem")
    (home / ".curlrc").write_text(f"connect-to = pve:8006:127.0.0.1:{api.server.server_port}\n", encoding="utf-8")
    environment = os.environ | {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PROXMOX": str(lab.proxmox),
        "HOSTNAME": "pve",
        "NODE": str(node),
        "RENDERER": str(renderer()),
        "CURL_HOME": str(home),
    }
    running = []
    for text in blocks("sh"):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode or done.stderr:
            yield f"{text}: {done.returncode} {done.stdout}{done.stderr}"
            return
        state = lab.state["vms"]
        if (node / "root/homelab/kubeconfig").exists():
            yield f"{text}: the Proxmox node has the kubeconfig"
        running.append((len([vm for vm in state.values() if vm["running"]]), len(lab.volumes())))
    # Machines that run, seeds in the storage: after each block.
    yield from equal("what the blocks did", running, [(0, 0), (4, 4), (4, 4), (4, 0), (4, 0), (4, 4)])
    yield from equal("the image", (lab.proxmox / "pve/import/debian-13.qcow2").read_text(encoding="utf-8"), "an image")
    yield from equal("for", lab.state["storages"]["local"]["content"], "backup,iso,vztmpl,import")
    yield from equal("left on the node", list((node / "root").iterdir()), [])
    yield from equal("sent by the API", len(api.uploads), 4)
    yield from equal("memory of w1", lab.config("8021")["memory"], "16384")
    yield from api.wrong


def stick(lab):
    """What docs/usb.md says writes the stick, onto a file that was something else."""
    home, disk = lab.folder / "stick", lab.folder / "disk"
    home.mkdir()
    (home / "cluster.yaml").write_text(blocks("yaml", "usb")[0], encoding="utf-8")
    (home / "hagen").symlink_to(renderer())
    disk.write_bytes(bytes(1 << 20))
    subprocess.run(["mkswap", disk], capture_output=True, check=True)
    (text,) = [text for text in blocks("sh", "usb") if "wipefs" in text]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text.replace("/dev/sdX", str(disk))],
        cwd=home,
        env=os.environ | {"PATH": f"{home}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    yield from equal("exit code", done.returncode, 0)
    if "10 bytes were erased" not in done.stdout:
        yield f"nothing is wiped: {done.stdout}{done.stderr}"
    yield from equal("the stick", disk.read_bytes() == (home / "out/usb/stick.iso").read_bytes(), True)
    label = subprocess.check_output(["blkid", "-p", "-o", "value", "-s", "LABEL", disk], text=True)
    yield from equal("label", label, "cidata\n")
