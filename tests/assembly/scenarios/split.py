"""The init node is emptied and started while all others are off: two clusters meet, the odd one out stops itself."""

from cluster import Failed, document

SAMPLE = []
DOCUMENT = document()


def play(cluster):
    cluster.power_on()
    cluster.formed()
    before = cluster.uid()
    cluster.power_off()
    cluster.blank("cp1")
    cluster.power_on("cp1")
    cluster.complete("cp1")
    if cluster.uid() == before:
        raise Failed("cp1 is still in the old cluster: nothing to see here")
    cluster.say("cp1 has started a second cluster")

    cluster.power_on("cp2", "cp3", "w1")
    cluster.status("cp1", "failed", "two clusters", seconds=480)
    if "two clusters" not in cluster["cp1"].console.read_text(errors="replace"):
        raise Failed("cp1's console does not say so")
    cluster.control_planes_answer("cp2", "cp3")
    cluster.etcd_voters_are_seen_by("cp2", "cp1", "cp2", "cp3")
    cluster.until(lambda: cluster.uid() != before and "the VIP does not lead to the old cluster", 120)

    # What its sentence says to do.
    cluster.blank("cp1")
    cluster.power_on("cp1")
    cluster.formed()
    if cluster.uid() != before:
        raise Failed("another cluster")
