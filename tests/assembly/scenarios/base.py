"""Three control planes and a worker, all powered on at once."""

from cluster import document

DOCUMENT = document()


def play(cluster):
    cluster.power_on()
    cluster.formed()
    cluster.secrets_are_gone("w1")
    cluster.settled()
