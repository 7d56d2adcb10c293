"""A disk with no more room than cloud-init needs: the machine says so, starts nothing, and goes on once there is room."""

import os

from cluster import document

DOCUMENT = document(control_planes=1, workers=0)
WORDS = "MiB are free under /var/lib; 256 MiB is the least"


def play(cluster):
    cp1 = cluster["cp1"]
    cp1.blank(size=600)
    filler = cp1.root / "var/filler"
    room = os.statvfs(cp1.disk)
    with filler.open("wb") as file:
        # The bundle and cloud-init's own files take about two of them.
        file.write(bytes(room.f_bavail * room.f_frsize - 3_000_000))
    cluster.power_on()
    cluster.shows("cp1", "failed", WORDS)
    with (cp1.root / "var/more").open("wb") as more:
        more.write(bytes(os.statvfs(cp1.disk).f_bavail * room.f_frsize))
    cluster.sleep(15)
    # Now nothing of a file can be written; the sentence still changes, for it is told in /run.
    cluster.shows("cp1", "failed", f"only 0 {WORDS}")
    cluster.nothing_was_started("cp1")
    filler.unlink()
    cluster.complete("cp1")
    cluster.vip_answers()
