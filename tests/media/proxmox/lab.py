"""A Proxmox node that is a folder, and a cluster rendered for it."""

import functools
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import small_images
import store

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TOKEN = "hagen@pve!upload=0f4b3a52-7c1d-4a8e-9b6f-5d2e8c7a1b34"
DOCUMENT = """\
name: homelab
kubernetes: {version: 1.36.3}
endpoint: {vip: 10.9.0.10}
proxmox: {vmidBase: 8000, image: "local:import/debian-13.qcow2"}
nodes:
  - {name: cp1, role: control-plane, address: 10.9.0.11/24}
  - {name: cp2, role: control-plane, address: 10.9.0.12/24}
  - {name: cp3, role: control-plane, address: 10.9.0.13/24}
  - {name: w1, role: worker, address: 10.9.0.21/24, proxmox: {vmid: 300, cores: 8, disk: 2, vlan: 20, agent: true}}
"""
# The same cluster, whose machines take their images from a payload.
OFFLINE = DOCUMENT + "software: {images: payload}\n"

# /etc/pve is a folder, too.
ETC_PVE = 'sed -i "s|/etc/pve/nodes|$PROXMOX&|g" out/proxmox/hagen.sh'


class Lab:
    """A Proxmox node with an image and no machine, and a rendered cluster."""

    def __init__(self, folder, document=DOCUMENT):
        self.folder, self.out = folder, folder / "out"
        self.proxmox, self.bin = folder / "proxmox", folder / "bin"
        for path in (*(self.proxmox / node / "iso" for node in ("pve", "pve2")), self.bin):
            path.mkdir(parents=True)
        for name in ("qm", "pvesm", "pvesh", "pveum"):
            (self.bin / name).symlink_to(HERE / "standin.py")
        self.state = {
            "vms": {},
            "storages": {"local": {"content": "backup,iso,vztmpl", "status": "active"}},
            "guests": {},
            "images": {"local:import/debian-13.qcow2": "3G"},
        }
        self.environment = os.environ | {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PROXMOX": str(self.proxmox),
            "HOSTNAME": "pve.example.org",
        }
        self.render(document)

    @property
    def state(self):
        return json.loads((self.proxmox / "state.json").read_text(encoding="utf-8"))

    @state.setter
    def state(self, state):
        (self.proxmox / "state.json").write_text(json.dumps(state), encoding="utf-8")
        # What every Proxmox node has in /etc/pve.
        nodes = self.proxmox / "etc/pve/nodes"
        shutil.rmtree(nodes, ignore_errors=True)
        for node in ("pve", "pve2"):
            (nodes / node / "lxc").mkdir(parents=True)
            (nodes / node / "qemu-server").mkdir()
        for vmid, vm in state["vms"].items():
            kind = "lxc" if "hostname" in vm["config"] else "qemu-server"
            lines = [f"{key}: {value}\n" for key, value in vm["config"].items()]
            lines += ["\n[before]\n", "name: other\n", "scsi2: local:iso/other.iso,media=cdrom\n"]
            (nodes / vm["node"] / kind / f"{vmid}.conf").write_text("".join(lines), encoding="utf-8")

    def render(self, document, seed="one", payload=None):
        """`hagen render --media proxmox`, with secrets of their own for each `seed`, and a payload that differs by `payload`."""
        (self.folder / "cluster.yaml").write_text(document, encoding="utf-8")
        secrets = self.folder / f"{seed}.secrets.yaml"
        if not secrets.exists():
            # hagen makes no new secrets while the folder of others is there.
            shutil.rmtree(self.out, ignore_errors=True)
        command = [renderer(), "render", "cluster.yaml", "--media", "proxmox", "--secrets", secrets, "-o", self.out]
        if payload:
            command += ["--payload", small_images.payload(renderer(), self.folder, payload)]
        subprocess.run([*command, "--quiet"], cwd=self.folder, stderr=subprocess.DEVNULL, check=True)
        subprocess.run(["bash", "-c", ETC_PVE], cwd=self.folder, env=self.environment, check=True)

    def call(self, script, *words, stdin="", **variables):
        """Exit code, output, errors, and the commands that changed something."""
        self.change(lambda state: None)
        log = self.proxmox / "log"
        log.write_text("", encoding="utf-8")
        done = subprocess.run(
            [self.out / "proxmox" / script, *words],
            env=self.environment | variables,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        commands = [" ".join(json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]
        return done.returncode, done.stdout, done.stderr, commands

    def must(self, script, *words, **variables):
        """The commands of a call that went well."""
        code, _, errors, commands = self.call(script, *words, **variables)
        assert (code, errors) == (0, ""), f"{script} {' '.join(words)}: {code} {errors}"
        return commands

    def change(self, change):
        """Something happens to the node, and not by hagen."""
        state = self.state
        change(state)
        self.state = state

    def config(self, vmid):
        return self.state["vms"][vmid]["config"]

    def drives(self, drive):
        """What the machines' drives read, by VMID."""
        machines = {vmid: vm["config"].get(drive) for vmid, vm in self.state["vms"].items()}
        return {vmid: value and value.split(",")[0] for vmid, value in machines.items()}

    def volumes(self, where="pve"):
        """What is in the storage `local` of a Proxmox node, or in another."""
        return sorted(path.name for path in (self.proxmox / where / "iso").iterdir())


@functools.cache
def renderer():
    """The release build, or what the variable HAGEN names."""
    if os.environ.get("HAGEN"):
        return Path(os.environ["HAGEN"]).resolve()
    store.run("cargo", "build", "--release", "--locked", cwd=ROOT)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/hagen"


def equal(what, found, expected):
    """What is wrong, as lines."""
    return [] if found == expected else [f"{what}: {found!r}, not {expected!r}"]


def machines(lab):
    """What hagen wrote of each machine, by node."""
    return json.loads((lab.out / "proxmox/hagen.auto.tfvars.json").read_text(encoding="utf-8"))["machines"]


def payload(lab):
    """The payload's name in the storage."""
    digest = hashlib.sha256((lab.out / "payload.iso").read_bytes()).hexdigest()
    return f"hagen-homelab-payload-{digest[:12]}.iso"


def certificate(folder, name):
    """A key and its certificate in one file; the certificate alone beside it."""
    pem, crt = folder / "pve.pem", folder / "pve.pem.crt"
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    command = ["openssl", "req", *options.split(), *names, "-keyout", pem, "-out", crt]
    subprocess.run(command, check=True, capture_output=True)
    pem.write_text(pem.read_text(encoding="utf-8") + crt.read_text(encoding="utf-8"), encoding="utf-8")
    return pem
