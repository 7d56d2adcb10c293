"""A clock that is behind and cannot be set: the machine says what it reads, waits, and goes on once it is right.

The rig's clock cannot be set, so the bundle is made a little after now.
"""

from datetime import timedelta

from cluster import document

ISSUED = timedelta(seconds=-60)
SAMPLE = []
DOCUMENT = document(control_planes=1, workers=0)


def play(cluster):
    cluster.power_on()
    cluster.shows("cp1", "failed", "before this bundle was made, and cannot be set", seconds=50)
    cluster.nothing_was_started("cp1")
    cluster.complete("cp1")
    cluster.vip_answers()
