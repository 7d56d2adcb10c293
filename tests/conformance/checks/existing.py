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

# Which API server each kubeconfig names; the kubelet's on the first control plane changed with 1.36.
SERVERS = {
    "admin": ["shared"], "super-admin": ["shared"], "kubelet": ["local", "shared"],
    "controller-manager": ["local"], "scheduler": ["local"],
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
    made = {f"etc/kubernetes/{name}.conf is new" for name in SERVERS}
    problems = [*complaints(process), *(line for line in different(before, snapshot(root)) if line not in made)]
    port = node.rendering.port()
    servers = {"local": f"https://{bracketed(node.address)}:{port}", "shared": f"https://{node.rendering.endpoint()}:{port}"}
    for name, kinds in SERVERS.items():
        path = root / f"etc/kubernetes/{name}.conf"
        if not path.exists():
            problems.append(f"{name}.conf was not made")
            continue
        config = kubeconfig(path)
        if config.server not in [servers[kind] for kind in kinds]:
            problems.append(f"{name}.conf names {config.server}")
        if config.authority != (root / PKI / "ca.crt").read_bytes():
            problems.append(f"{name}.conf has another authority")
    return problems


def bracketed(address):
    return f"[{address}]" if ":" in address else address
