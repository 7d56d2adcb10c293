"""Of five control planes one is off while another one, then the init node, gets a blank disk.

etcd lets no machine in once it has missed another one, which takes it up to some
minutes: by default the blank one is back by then, or waits and says for whom.
With etcd's check off it comes back whenever.
"""

from cluster import STATE, document

CASES = ["strict", "lenient"]
SAMPLE = []
WORDS = "etcd lets no machine in while another one of it is off (cp5); start it"


def DOCUMENT(case):
    lenient = {"extraArgs": {"strict-reconfig-check": "false"}} if case == "lenient" else {}
    return document(control_planes=5, workers=0, etcd=lenient)


def play(cluster, case):
    cluster.power_on()
    cluster.formed(seconds=900)
    for name in ("cp4", "cp1"):
        cluster.power_off("cp5")
        cluster.blank(name)
        cluster.power_on(name)
        if case == "lenient":
            cluster.complete(name)
            cluster.etcd_voters_are(*cluster.control_planes())
        else:
            cluster.until(lambda name=name: neither_back_nor_waiting(cluster[name]), 420)
            cluster.say(f"{name}: {cluster[name].read(f'{STATE}/status.json').strip()}")
        cluster.power_on("cp5")
        cluster.formed()


def neither_back_nor_waiting(machine):
    status = machine.read(f"{STATE}/status.json") or ""
    return WORDS not in status and machine.read(f"{STATE}/complete") is None and f"{machine.name} says {status}"
