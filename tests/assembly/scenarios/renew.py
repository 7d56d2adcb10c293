"""Certificates near their end are renewed on a control plane, kube-vip's own among them, and the cluster serves on."""

from cluster import Failed, document

SAMPLE = []
DOCUMENT = document()
PKI = "/etc/kubernetes/pki"
RENEWED = [
    f"{PKI}/apiserver.crt", f"{PKI}/apiserver-kubelet-client.crt", f"{PKI}/front-proxy-client.crt",
    f"{PKI}/etcd/server.crt", f"{PKI}/etcd/peer.crt", "/etc/kubernetes/kube-vip.conf", "/etc/kubernetes/admin.conf"]


def play(cluster):
    cluster.power_on()
    cluster.formed()
    holder = cluster[cluster.vip_holder()]
    before = {path: holder.read(path) for path in [*RENEWED, f"{PKI}/ca.crt", f"{PKI}/sa.pub"]}
    # A third of ten years is more than the year that its certificates have.
    holder.inside("sed", "-i", "s/^CERTIFICATE_SECONDS=.*/CERTIFICATE_SECONDS=315360000/", "/etc/hagen/node.env")
    result = holder.inside("systemctl", "start", "hagen-renew.service")
    if result.returncode:
        raise Failed(f"hagen-renew: {result.stderr.strip()}\n{holder.journal('hagen-renew.service')}")
    for path, text in before.items():
        if (holder.read(path) != text) != (path in RENEWED):
            raise Failed(f"{path} is {'as before' if path in RENEWED else 'new'}")
    cluster.formed()
    for name in cluster.control_planes():
        keys = cluster[name].inside("stat", "--format=%a %U", "/etc/kubernetes/kube-vip.conf").stdout.strip()
        if keys != "600 root":
            raise Failed(f"{name}: kube-vip.conf is {keys}")
