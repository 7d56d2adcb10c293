"""Everything is wrong with a machine; each time one thing is mended, it goes on and names the next, in one sentence.

It has started nothing until all is well, and then it goes on by itself.
"""

import store
from cluster import document
from versions import MINORS

DOCUMENT = document(control_planes=1, workers=0)


def play(cluster):
    cp1 = cluster["cp1"]
    seed = cp1.root / "var/lib/cloud/seed/nocloud/user-data"
    good = seed.read_bytes()
    # A bit of what would say so, and without which nothing can be run.
    seed.write_bytes(flip(good, good.index(b"report() {", good.index(b"path: /var/lib/hagen/lib/hagen.sh")) + 9))
    network = seed.with_name("network-config")
    network.write_text(network.read_text().replace("10.9.0.11/24", "10.9.0.99/24"))
    cp1.take_away("usr/bin/containerd")
    cp1.replace("usr/bin/kubeadm", store.real("kubernetes", MINORS["1.35"], "kubeadm") / "kubeadm")
    cluster.switch.ip("address", "add", "10.9.0.10/24", "dev", "bridge0")

    cluster.power_on()
    cluster.shows("cp1", "failed", "the bundle is not what was rendered: /var/lib/hagen/lib/hagen.sh differs")
    cluster.nothing_was_started("cp1")
    cluster.power_off()
    # A bit of a certificate, somewhere.
    seed.write_bytes(flip(good, good.index(b"BEGIN CERTIFICATE") + 200))
    cluster.power_on()
    cluster.shows("cp1", "failed", "the bundle is not what was rendered: /etc/hagen/pki/ca.crt differs")
    cluster.nothing_was_started("cp1")
    cluster.power_off()
    seed.write_bytes(good)
    cluster.power_on()
    cluster.shows("cp1", "failed", "not installed: containerd")
    cluster.nothing_was_started("cp1")
    cp1.put_back("usr/bin/containerd")
    cluster.shows(
        "cp1", "failed", "no interface has 10.9.0.11, the address of cp1; this machine has 10.9.0.99/24 on host0")
    cluster.nothing_was_started("cp1")
    cluster.switch.ip("address", "add", "10.9.0.11/24", "dev", "host0", machine="cp1")
    cluster.shows("cp1", "failed", f"kubeadm is v{MINORS['1.35']}, this bundle was rendered for v{MINORS['1.36']}")
    cluster.nothing_was_started("cp1")
    cp1.put_back("usr/bin/kubeadm")
    cluster.shows("cp1", "waiting", "the endpoint's address 10.9.0.10 is in use by another machine")
    cluster.no_cluster_was_started("cp1")
    cluster.switch.ip("address", "delete", "10.9.0.10/24", "dev", "bridge0")
    cluster.complete("cp1")
    cluster.vip_answers()


def flip(content, place):
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1:]
