"""The init node and the worker of a running cluster get blank disks, and the same seeds."""

from cluster import document

DOCUMENT = document()


def play(cluster):
    cluster.power_on()
    cluster.formed()
    for name in ("cp1", "w1"):
        cluster[name].power_off()
        cluster[name].blank()
        cluster.power_on(name)
    cluster.formed()
