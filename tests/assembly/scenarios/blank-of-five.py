"""Of five control planes one is off while another one, then the init node, gets a blank disk.

etcd itself lets no machine in while it misses another one: by default the blank
one waits and says for whom. With its check off, it comes back meanwhile.
"""

from cluster import document

CASES = ["strict", "lenient"]
SAMPLE = []


def DOCUMENT(case):
    lenient = {"extraArgs": {"strict-reconfig-check": "false"}} if case == "lenient" else {}
    return document(control_planes=5, workers=0, etcd=lenient)


def play(cluster, case):
    cluster.power_on()
    cluster.formed(seconds=900)
    for name in ("cp4", "cp1"):
        cluster.power_off("cp5")
        # Whoever is off is missed after some seconds.
        cluster.sleep(30)
        cluster.blank(name)
        cluster.power_on(name)
        if case == "strict":
            cluster.status(name, "waiting", "etcd lets no machine in while another one of it is off (cp5); start it", 420)
            cluster.power_on("cp5")
        cluster.complete(name)
        cluster.etcd_voters_are(*cluster.control_planes())
        if case == "lenient":
            cluster.power_on("cp5")
        cluster.formed()
