"""Certificates say what those that kubeadm makes by itself say."""

import re

from bench import AUTHORITIES, PKI, complaints, place
from certificates import differences, kubeconfig, profile

CONFIGURATION = "etc/hagen/conformance.yaml"


def check(bench):
    for rendering in bench.renderings(bench.versions):
        for node in rendering.nodes:
            root = bench.folder()
            place(root, CONFIGURATION, node.init_configuration())
            problems = make(node, root)
            if problems:
                yield f"{node} what kubeadm makes", problems
                continue
            if node.part != "worker":
                yield f"{node} files", files(node, root)
                for path in sorted((root / PKI).rglob("*.crt")):
                    name = str(path.relative_to(root))
                    yield f"{node} {path.relative_to(root / PKI)}", certificate(node, root, name)
                yield f"{node} kube-vip.conf", client(
                    root, "controller-manager", node.root / "etc/kubernetes/kube-vip.conf", common_name="hagen:kube-vip")
            if (node.root / "etc/hagen/join.conf").exists():
                yield f"{node} join.conf", client(root, "kubelet", node.root / "etc/hagen/join.conf")
            if node.part == "init":
                yield f"{rendering} kubeconfig", administrator(rendering, root)


def make(node, root):
    """What kubeadm makes where there is nothing yet."""
    problems = []
    for phase in ("certs", "kubeconfig"):
        process = node.kubeadm(root, "init", "phase", phase, "all", "--config", f"/{CONFIGURATION}")
        problems += complaints(process)
    return problems


def files(node, root):
    """The same files, of the same kind, with the same mode."""
    theirs, ours = kinds(root), kinds(node.root)
    if not node.holds_authorities():
        ours |= {name: kind for name, kind in kinds(node.rendering.first.root).items() if name in AUTHORITIES}
    # kubeadm keeps the public key to itself, out of habit.
    theirs["sa.pub"] = theirs["sa.pub"].replace("0600", "0644")
    return differences(theirs, ours)


def kinds(root):
    found = {}
    for path in (root / PKI).rglob("*"):
        if path.is_file():
            labels = re.findall(r"-----BEGIN (.*)-----", path.read_text(encoding="ascii"))
            found[str(path.relative_to(root / PKI))] = f"{path.stat().st_mode & 0o7777:04o} {labels}"
    return found


def certificate(node, root, name):
    source = node.root if (node.root / name).exists() else node.rendering.first.root
    if not (source / name).exists():
        return ["missing"]
    return differences(profile((root / name).read_bytes()), profile((source / name).read_bytes()))


def client(root, kind, path, common_name=None):
    """A client certificate in a kubeconfig of ours beside kubeadm's `kind`.conf."""
    theirs = profile(kubeconfig(root / f"etc/kubernetes/{kind}.conf").certificate)
    if common_name:
        theirs["subject"] = [("2.5.4.3", common_name)]
    return differences(theirs, profile(kubeconfig(path).certificate))


def administrator(rendering, root):
    """Ours is kubeadm's admin.conf, except that it names the endpoint's address."""
    theirs, ours = kubeconfig(root / "etc/kubernetes/admin.conf"), kubeconfig(rendering.out / "kubeconfig")
    problems = client(root, "admin", rendering.out / "kubeconfig")
    for field in ("cluster", "user", "context"):
        if getattr(theirs, field) != getattr(ours, field):
            problems.append(f"{field}: kubeadm {getattr(theirs, field)}, hagen {getattr(ours, field)}")
    return problems
