"""Debian's containerd accepts its configuration and means the same by it."""

import subprocess
import tomllib

CRI = "io.containerd.grpc.v1.cri"


def check(bench):
    containerd = unpack(bench)
    for rendering in bench.renderings(bench.versions):
        seen = set()
        for node in rendering.nodes:
            path = node.root / "etc/containerd/config.toml"
            if path.read_bytes() not in seen:
                seen.add(path.read_bytes())
                yield f"{node} config.toml", dump(containerd, node, path)
        yield f"{rendering} sandbox image", pause(rendering.first)


def unpack(bench):
    """The program without the package, whose service would start here."""
    folder = bench.folder()
    download = ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", "containerd", "libseccomp2"]
    subprocess.run(download, check=True, cwd=folder, capture_output=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    library, = folder.glob("usr/lib/*/libseccomp.so.2")
    return ["env", f"LD_LIBRARY_PATH={library.parent}", folder / "usr/bin/containerd"]


def dump(containerd, node, path):
    process = subprocess.run([*containerd, "--config", path, "config", "dump"], check=False, capture_output=True, text=True)
    if process.returncode or process.stderr:
        return [process.stderr or f"ended with {process.returncode}"]
    document = node.rendering.document
    theirs, ours = tomllib.loads(process.stdout), tomllib.loads(path.read_text(encoding="utf-8"))
    cri = theirs["plugins"][CRI]
    runc = cri["containerd"]["runtimes"]["runc"]
    meant = {
        "systemd": document["kubernetes"].get("kubelet", {}).get("cgroupDriver", "systemd") == "systemd",
        "runtime": "io.containerd.runc.v2", "plugins": "/opt/cni/bin", "hosts": "/etc/containerd/certs.d",
    }
    effective = {
        "systemd": runc["options"]["SystemdCgroup"], "runtime": runc["runtime_type"],
        "plugins": cri["cni"]["bin_dir"], "hosts": cri["registry"]["config_path"],
    }
    problems = [] if effective == meant else [f"{effective} instead of {meant}"]
    extra = tomllib.loads(document.get("containerd", {}).get("extraConfig", ""))
    return problems + missing(ours, theirs, "") + missing(extra, theirs, "extraConfig ")


def missing(ours, theirs, where):
    """Values of ours that are not in force."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [problem for key, value in ours.items() for problem in missing(value, theirs.get(key), f"{where}.{key}")]
    return [] if ours == theirs else [f"{where}: {theirs!r} instead of {ours!r}"]


def pause(node):
    """It is the one that kubeadm pulls, so that a machine needs no second."""
    ours = tomllib.loads((node.root / "etc/containerd/config.toml").read_text(encoding="utf-8"))
    image = ours["plugins"][CRI]["sandbox_image"]
    process = node.kubeadm(node.root, "config", "images", "list", "--config", "/etc/hagen/kubeadm-init.yaml")
    return [] if image in process.stdout.split() else [f"{image} is not in kubeadm's list", process.stdout, process.stderr]
