"""The init node is emptied and started while all others are off: two clusters meet, and the odd one out stops itself."""

import time

from cluster import Failed, document

DOCUMENT = document()


def play(cluster):
    cluster.power_on()
    cluster.formed()
    before = uid(cluster)
    for name in cluster.names():
        cluster[name].power_off()
    cluster["cp1"].blank()
    cluster.power_on("cp1")
    cluster.complete("cp1")
    if uid(cluster) == before:
        raise Failed("cp1 is still in the old cluster: nothing to see here")
    cluster.say("cp1 has started a second cluster")

    cluster.power_on("cp2", "cp3", "w1")
    cluster.status("cp1", "failed", "two clusters", seconds=480)
    cluster.control_planes_answer("cp2", "cp3")
    cluster.etcd_voters_are_seen_by("cp2", "cp1", "cp2", "cp3")
    deadline = time.monotonic() + 120
    while uid(cluster) != before:
        if time.monotonic() > deadline:
            raise Failed("the VIP does not lead to the old cluster")
        time.sleep(1)

    # What its sentence says to do.
    cluster["cp1"].power_off()
    cluster["cp1"].blank()
    cluster.power_on("cp1")
    cluster.formed()
    if uid(cluster) != before:
        raise Failed("another cluster")


def uid(cluster):
    return cluster.kubectl("get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}").stdout
