"""The init node comes long after all others: they wait, say for whom, and go on when it is there."""

from cluster import document

DOCUMENT = document()


def play(cluster):
    cluster.power_on("cp2", "cp3", "w1")
    for name in ("cp2", "cp3"):
        cluster.shows(name, "waiting", "no control plane answers yet; cp1 starts the cluster")
    cluster.shows("w1", "waiting", "no API server answers at 10.9.0.10:6443 yet")
    cluster.sleep(60)
    cluster.power_on("cp1")
    cluster.formed()
