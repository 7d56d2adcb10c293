"""What every check works with: rendered documents, their nodes, and real kubeadm on a copy of a node's files."""

import base64
import datetime
import functools
import hashlib
import ipaddress
import itertools
import json
import shutil
import subprocess
from pathlib import Path

import store
import yaml
from versions import MINORS

HERE = Path(__file__).resolve().parent
VERSION = MINORS["1.36"]
# On both sides of every change that hagen knows of, as far as all modules of a release can be had from the Go proxy
# (1.34.9 and 1.35.6 lack k8s.io/kube-proxy).
ALL_VERSIONS = [VERSION, "1.34.4", MINORS["1.34"], "1.35.4", MINORS["1.35"], "1.37.0"]

INIT = "etc/hagen/kubeadm-init.yaml"
JOIN = "etc/hagen/kubeadm-join.yaml"
PKI = "etc/kubernetes/pki"
# What `kubeadm init` shares with control planes that join (`phases/copycerts`).
AUTHORITIES = [
    "ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "etcd/ca.crt", "etcd/ca.key", "sa.key", "sa.pub",
]
# The bootstrap token that grows from it is 712e21.…: a text that YAML would read as a number.
SEED = hashlib.sha256(b"hagen conformance 3649").digest()


class Bench:
    def __init__(self, hagen, scratch, versions):
        self.hagen, self.scratch, self.versions = hagen, scratch, versions
        self.numbers = itertools.count()

    @functools.cache
    def kubeadm(self, version):
        return store.real("kubernetes", version, "kubeadm") / "kubeadm"

    def folder(self):
        """A new empty folder."""
        folder = self.scratch / f"{next(self.numbers)}"
        folder.mkdir()
        return folder

    def renderings(self, versions=(VERSION,)):
        """Every document, for each of `versions`."""
        documents = [HERE.parent.parent / "examples" / "ha.yaml", *sorted((HERE / "documents").glob("*.yaml"))]
        for version in versions:
            for document in documents:
                yield self.rendering(document, version)

    @functools.cache
    def rendering(self, document, version=VERSION):
        return Rendering(self, document, version)


class Rendering:
    """A document, its secrets file and what hagen made of them."""

    def __init__(self, bench, source, version):
        self.bench, self.name, self.version = bench, source.stem, version
        folder = bench.folder()
        text = source.read_text(encoding="utf-8")
        assert f"version: {VERSION}" in text, source
        self.path = folder / source.name
        self.path.write_text(text.replace(f"version: {VERSION}", f"version: {version}"), encoding="utf-8")
        self.document = yaml.safe_load(text)
        if (source.parent / "files").is_dir():
            shutil.copytree(source.parent / "files", folder / "files")
        self.secrets = self.path.with_suffix(".secrets.yaml")
        imported = self.kubeadms_own() if self.name == "adopted" else None
        self.secrets.write_text(secrets_file(imported), encoding="utf-8")
        self.out = folder / "out"
        self.render("--tree", "--out", self.out)
        started = False
        self.nodes = []
        for declared in self.document["nodes"]:
            self.nodes.append(Node(self, declared, started))
            started = started or declared["role"] == "control-plane"
        self.first = next(node for node in self.nodes if node.part == "init")

    def render(self, *arguments):
        command = [self.bench.hagen, "render", self.path, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True)

    def kubeadms_own(self):
        """Authorities and service-account key as kubeadm makes them."""
        root = self.bench.folder()
        configuration = {
            "apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration",
            "kubernetesVersion": f"v{self.version}", "encryptionAlgorithm": "ECDSA-P256",
        }
        place(root, "config.yaml", json.dumps(configuration))
        for phase in ("ca", "front-proxy-ca", "etcd-ca", "sa"):
            command = [self.bench.kubeadm(self.version), "--rootfs", root, "init", "phase", "certs", phase]
            subprocess.run([*command, "--config", "/config.yaml"], check=True, capture_output=True)

        def pair(name):
            return {"certificate": (root / PKI / f"{name}.crt").read_text(), "key": (root / PKI / f"{name}.key").read_text()}

        return {
            "ca": pair("ca"), "frontProxyCa": pair("front-proxy-ca"), "etcdCa": pair("etcd/ca"),
            "serviceAccountKey": (root / PKI / "sa.key").read_text(),
        }

    def __str__(self):
        return f"{self.name} {self.version}"

    def control_planes(self):
        return [node for node in self.nodes if node.part != "worker"]

    def vip(self):
        return self.document["endpoint"]["vip"]

    def port(self):
        return self.document["endpoint"].get("port", 6443)

    def endpoint(self):
        return self.document["endpoint"].get("name", f"api.{self.document['name']}.internal")


class Node:
    """One machine: what the document says of it, and its files."""

    def __init__(self, rendering, declared, started):
        self.rendering, self.declared, self.name = rendering, declared, declared["name"]
        self.folder = rendering.out / "nodes" / self.name
        self.root = self.folder / "rootfs"
        self.address = declared["address"].split("/")[0]
        self.part = "worker" if declared["role"] == "worker" else "control-plane" if started else "init"
        bootstrap = rendering.document.get("bootstrap", {})
        self.embeds = declared.get("certificates", bootstrap.get("certificates", "upload")) == "embed"
        self.by_token = bootstrap.get("credentials", "certificate") == "token"

    def __str__(self):
        return f"{self.rendering} {self.name}"

    def config(self):
        """Its config for Ignition; None where cloud-init delivers."""
        path = self.folder / "config.ign"
        return path if path.exists() else None

    def holds_authorities(self):
        return self.part == "init" or self.part == "control-plane" and self.embeds

    def documents(self, path):
        """The YAML documents of one file."""
        return list(yaml.safe_load_all((self.root / path).read_text(encoding="utf-8")))

    def kubeadm(self, root, *arguments):
        """Run kubeadm inside `root`."""
        command = [self.rendering.bench.kubeadm(self.rendering.version), "--rootfs", root, *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    def copy(self):
        """A copy of its files that a program may change, with the authorities that it would download."""
        root = self.rendering.bench.folder()
        shutil.copytree(self.root, root, symlinks=True, dirs_exist_ok=True)
        return root

    def download_authorities(self, root):
        for name in AUTHORITIES:
            source = self.rendering.first.root / PKI / name
            place(root, f"{PKI}/{name}", source.read_text(), source.stat().st_mode & 0o777)

    def init_configuration(self):
        """What kubeadm works with on this machine: the cluster's configuration from the first control plane, and,
        where this one joins, its own registration and address. JSON is YAML that leaves nothing to guess."""
        init, *others = self.rendering.first.documents(INIT)
        if self.part != "init":
            join, = self.documents(JOIN)
            init["nodeRegistration"] = join["nodeRegistration"]
            if self.part == "control-plane":
                init["localAPIEndpoint"] = join["controlPlane"]["localAPIEndpoint"]
            return "\n---\n".join(map(json.dumps, [init, *others]))
        return (self.root / INIT).read_text(encoding="utf-8")

    def api_names(self):
        """Names and addresses by which its API server is called."""
        document = self.rendering.document
        kubernetes = document["kubernetes"]
        services = kubernetes.get("serviceSubnet", "10.96.0.0/12")
        first = services[0] if isinstance(services, list) else services
        return [
            self.name, "kubernetes", "kubernetes.default.svc", self.rendering.endpoint(), self.rendering.vip(), self.address,
            f"kubernetes.default.svc.{kubernetes.get('dnsDomain', 'cluster.local')}",
            str(ipaddress.ip_network(first)[1]), *kubernetes.get("apiServer", {}).get("certSANs", []),
        ]


def secrets_file(imported):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    secrets = {"version": 1, "seed": base64.b64encode(SEED).decode(), "issuedAt": now}
    return json.dumps(secrets | ({"import": imported} if imported else {}), indent=2)


def place(root, path, text, mode=0o644):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)


def snapshot(folder):
    """Every file below `folder`: its mode and bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(folder)): (path.stat().st_mode & 0o7777, path.read_bytes()) for path in files}


def different(one, other):
    """What became of a snapshot, in words."""
    return [
        f"{path} is {'new' if path not in one else 'gone' if path not in other else 'changed'}"
        for path in sorted(one.keys() | other.keys())
        if one.get(path) != other.get(path)
    ]


def complaints(process):
    """Whatever a program had to say against its input."""
    lines = process.stderr.strip().splitlines()
    return lines if lines or process.returncode == 0 else [f"ended with {process.returncode}"]
