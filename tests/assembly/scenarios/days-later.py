"""A worker comes six days after its bundle was made, the token long gone: it joins with its own certificate.

No clock can be set in the rig: the bundle was made six days ago instead.
"""

from datetime import timedelta

from cluster import document

ISSUED = timedelta(days=6)
SAMPLE = []
DOCUMENT = document()


def play(cluster):
    cluster.power_on(*cluster.control_planes())
    cluster.complete(*cluster.control_planes())
    cluster.hurry()
    cluster.until(lambda: cluster.join_secrets(), 300)
    cluster.say("the token and the uploaded certificates are gone")
    cluster.power_on("w1")
    cluster.formed()
    cluster.settled()
