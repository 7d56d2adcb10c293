"""kubeadm accepts every configuration without a word."""

FILES = ["kubeadm-init", "kubeadm-join", "upload-certs", "token"]


def check(bench):
    for rendering in bench.renderings(bench.versions):
        for node in rendering.nodes:
            for name in FILES:
                if (node.root / f"etc/hagen/{name}.yaml").exists():
                    yield f"{node} {name}.yaml", validate(node, name)


def validate(node, name):
    process = node.kubeadm(node.root, "config", "validate", "--config", f"/etc/hagen/{name}.yaml")
    # A warning is as much of a problem as an error.
    said = process.stdout + process.stderr
    return [] if said == "ok\n" and process.returncode == 0 else said.splitlines()
