"""What hagen rendered for a node, and what its document says."""

import dataclasses
import ipaddress
import json
import os
import re
import subprocess
from pathlib import Path, PurePosixPath

import store
from debian import Entry

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = {path.stem: path for path in (
    *sorted(REPOSITORY.glob("examples/*.yaml")), *sorted(Path(__file__).resolve().parent.glob("documents/*.yaml")))
    # The README's command makes one beside its example.
    if not path.name.endswith(".secrets.yaml")}
# What is compared byte for byte in tests/golden: here real programs apply it.
GOLDEN = {f"golden-{path.parent.name}": path for path in sorted(REPOSITORY.glob("tests/golden/*/cluster.yaml"))}


def find_hagen():
    """The release build, or what the variable HAGEN names."""
    if os.environ.get("HAGEN"):
        return Path(os.environ["HAGEN"]).resolve()
    store.run("cargo", "build", "--release", "--locked", cwd=REPOSITORY)
    return REPOSITORY / os.environ.get("CARGO_TARGET_DIR", "target") / "release/hagen"


@dataclasses.dataclass
class Bundle:
    """One node's bundle. `document` is what PyYAML makes of the document."""

    cluster: str
    format: str
    node: dict
    document: dict
    base: Path
    folder: Path
    manifest: list
    others: list

    @property
    def name(self):
        return self.node["name"]

    @property
    def nic(self):
        """The interface that the machine has, as name=address."""
        return f"{self.node.get('interface', 'eth0')}={self.node.get('mac', '52:54:00:0a:0b:0c')}"

    def seed(self, name):
        return (self.folder / name).read_bytes()

    def tree(self):
        """The entries of --tree by path: modes and owners are the manifest's, bytes those on the disk."""
        prefix = f"nodes/{self.name}/rootfs"
        found = {}
        for line in self.manifest:
            if not line["path"].startswith(f"{prefix}/"):
                continue
            path, mode = line["path"].removeprefix(prefix), int(line.get("mode", "0777"), 8)
            place = self.folder / "rootfs" / path.lstrip("/")
            if place.is_symlink():
                found[path] = Entry("link", 0o777, "root:root", os.readlink(place).encode())
            elif place.is_dir():
                found[path] = Entry("folder", mode, "root:root", b"")
            else:
                found[path] = Entry("file", mode, line["owner"], place.read_bytes())
        return found

    def written(self):
        """Those of them that write_files is to write."""
        return {path: entry for path, entry in self.tree().items()
                if entry.kind == "file" and path != "/etc/hostname"}

    def declared_files(self):
        """The document's own files."""
        declared = {}
        for file in [*self.document.get("files", []), *self.node.get("files", [])]:
            content = (self.base / file["source"]).read_bytes() if "source" in file else file["content"].encode()
            declared[file["path"]] = Entry(
                "file", int(file.get("mode", "0644"), 8), file.get("owner", "root:root"), content)
        return declared

    def network_config(self):
        """What network-config must say; None where it must say nothing."""
        network, mac, interface = (self.document.get("network", {}), self.node.get("mac"), self.node.get("interface"))
        if not mac and not interface:
            return None
        ethernet = {"dhcp4": False, "dhcp6": False, "addresses": [self.node["address"]]}
        if mac:
            ethernet["match"] = {"macaddress": mac}
        if mac and interface:
            ethernet["set-name"] = interface
        if "gateway" in network:
            six = ipaddress.ip_interface(self.node["address"]).version == 6
            ethernet["routes"] = [{"to": "::/0" if six else "0.0.0.0/0", "via": network["gateway"]}]
        servers = {"addresses": network.get("nameservers"), "search": network.get("search")}
        if any(servers.values()):
            ethernet["nameservers"] = {key: value for key, value in servers.items() if value}
        if "mtu" in network:
            ethernet["mtu"] = network["mtu"]
        return {"version": 2, "ethernets": {interface or "node": ethernet}}

    def secrets(self):
        """Everything in the bundle, or hagen's other output, that nobody else may read."""
        found = set()
        for path in [*self.folder.glob("rootfs/**/*"), *self.others]:
            if path.is_symlink() or not path.is_file():
                continue
            text = path.read_bytes().decode(errors="replace")
            for token in re.findall(r"\b[a-z0-9]{6}\.([a-z0-9]{16})\b", text):
                found.add(token)
            found.update(re.findall(r"token-secret: \"?([a-z0-9]{16})\b", text))
            found.update(re.findall(r"certificateKey: \"?([0-9a-f]{64})", text))
            found.update(re.findall(r"client-key-data: (\S+)", text))
            found.update(re.findall(r"seed: \"?([^\"\s]+)", text))
            # In its first line is the secret number; what follows is the public key.
            found.update(re.findall(r"PRIVATE KEY-----\n(.*)\n", text))
        return {secret for secret in found if len(secret) >= 16}


def render(hagen, name, document, folder, python, wanted):
    """Render one document into `folder`; its bundles of the format `wanted`. `python` runs a script where PyYAML is.

    A document without Ignition's systems is rendered for Ignition by an overlay.
    """
    folder.mkdir(parents=True)
    secrets, out, overlay = folder / "secrets.yaml", folder / "out", folder / "overlay.yaml"
    overlays = []
    if wanted == "ignition" and "os:" not in document.read_text(encoding="utf-8"):
        overlay.write_text("format: ignition\n", encoding="utf-8")
        overlays.append(overlay)
    store.run(hagen, "render", document, *overlays, "-o", out, "--tree", "--quiet", "--secrets", secrets)
    manifest = json.loads((out / "manifest.json").read_text())["files"]
    text = load(python, document.read_bytes())
    bundles = []
    for node in text["nodes"]:
        place = out / "nodes" / node["name"]
        if (place / "config.ign").exists() == (wanted == "ignition"):
            others = [secrets, out / "kubeconfig"]
            bundles.append(Bundle(name, wanted, node, text, document.parent, place, manifest, others))
    return bundles


# JSON keeps apart what YAML may have confused: text, numbers, truth. What it has not (a date) it refuses.
LOAD = "import json, sys, yaml; json.dump(yaml.load(sys.stdin.buffer, getattr(yaml, sys.argv[1])), sys.stdout)"


def load(root, data, loader="SafeLoader"):
    """What the root's own PyYAML reads."""
    result = subprocess.run(
        ["chroot", str(root), "python3", "-c", LOAD, loader], input=data, check=False, capture_output=True)
    if result.returncode:
        raise ValueError(result.stderr.decode(errors="replace").splitlines()[-1])
    return json.loads(result.stdout)


def parents(path):
    """The folders above a path, without the root."""
    return [str(folder) for folder in PurePosixPath(path).parents if str(folder) != "/"]
