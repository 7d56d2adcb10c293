"""kubeadm uses every key and certificate of a bundle as it is, and adds none."""

from bench import PKI, complaints, different, place, snapshot
from certificates import LEAVES, kubeconfig

CONFIGURATION = "etc/hagen/conformance.yaml"
ANSWERS = {
    *(f'[certs] Using existing {name} certificate authority' for name in ("ca", "front-proxy-ca", "etcd/ca")),
    *(f"[certs] Using existing {name} certificate and key on disk" for name in LEAVES),
    '[certs] Using the existing "sa" key',
    f'[certs] Using certificateDir folder "/{PKI}"',
}


def check(bench):
    for rendering in bench.renderings(bench.versions):
        for node in rendering.control_planes():
            root = node.copy()
            place(root, CONFIGURATION, node.init_configuration())
            if not node.holds_authorities():
                yield f"{node} without authorities is refused", refused(node, root)
                node.download_authorities(root)
            yield f"{node} certificates", certificates(node, root)
            yield f"{node} kubeconfigs", kubeconfigs(node, root)


def certificates(node, root):
    before = snapshot(root)
    process = node.kubeadm(root, "init", "phase", "certs", "all", "--config", f"/{CONFIGURATION}")
    said = set(process.stdout.splitlines())
    return [
        *complaints(process), *different(before, snapshot(root)),
        *(f"not said: {line}" for line in sorted(ANSWERS - said)), *(f"said: {line}" for line in sorted(said - ANSWERS)),
    ]


def refused(node, root):
    """kubeadm makes authorities of its own then, and finds that they did not sign the leaves."""
    process = node.kubeadm(root, "init", "phase", "certs", "all", "--config", f"/{CONFIGURATION}")
    expected = process.returncode != 0 and "apiserver not signed by CA certificate ca" in process.stderr
    return [] if expected else [f"kubeadm ended with {process.returncode}", process.stdout, process.stderr]


def kubeconfigs(node, root):
    """kubeadm makes the five of them with the bundle's authority, for the servers that are meant."""
    before = snapshot(root)
    process = node.kubeadm(root, "init", "phase", "kubeconfig", "all", "--config", f"/{CONFIGURATION}")
    problems = complaints(process)
    rendering = node.rendering
    local = f"https://[{node.address}]:{rendering.port()}" if ":" in node.address else f"https://{node.address}:{rendering.port()}"
    shared = f"https://{rendering.endpoint()}:{rendering.port()}"
    servers = {"admin": shared, "super-admin": shared, "kubelet": shared, "controller-manager": local, "scheduler": local}
    problems += [line for line in different(before, snapshot(root)) if line not in {f"etc/kubernetes/{name}.conf is new" for name in servers}]
    for name, server in servers.items():
        path = root / f"etc/kubernetes/{name}.conf"
        if not path.exists():
            problems.append(f"{name}.conf was not made")
            continue
        made = kubeconfig(path)
        if made.server != server:
            problems.append(f"{name}.conf names {made.server} instead of {server}")
        if made.authority != (root / PKI / "ca.crt").read_bytes():
            problems.append(f"{name}.conf has another authority")
    return problems
