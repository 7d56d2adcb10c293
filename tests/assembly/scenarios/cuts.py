"""All machines lose power at once, again and again: while cloud-init writes, while steps run, after completion."""

from cluster import document

DOCUMENT = document()


def play(cluster):
    for seconds in (3, 5, 7, 9, 12, 16, 22):
        cluster.power_on()
        cluster.sleep(seconds)
        cluster.power_off()
        cluster.say(f"all lost power {seconds} s after it came")
    cluster.power_on()
    cluster.formed()

    cluster.power_off()
    cluster.power_on()
    cluster.formed()
