"""Power fails during the first boot of the init node and of a joiner, later at the VIP holder."""

import time

from cluster import document

DOCUMENT = document()


def play(cluster):
    cluster.power_on()
    time.sleep(6)
    cluster["cp1"].power_off()
    time.sleep(1)
    cluster.power_on("cp1")
    time.sleep(15)
    cluster["cp2"].power_off()
    time.sleep(1)
    cluster.power_on("cp2")
    cluster.formed()

    holder = cluster.vip_holder()
    cluster.say(f"{holder} holds the VIP and loses power")
    cluster[holder].power_off()
    cluster.vip_answers()
    cluster.say(f"{cluster.vip_holder()} holds the VIP")
    cluster.power_on(holder)
    cluster.formed()
