"""Of five control planes one is off while another one, then the init node, gets a blank disk: both come back."""

from cluster import document

SAMPLE = []
DOCUMENT = document(control_planes=5, workers=0)


def play(cluster):
    cluster.power_on()
    cluster.formed(seconds=900)
    cluster.power_off("cp5")
    for name in ("cp4", "cp1"):
        cluster.blank(name)
        cluster.power_on(name)
        cluster.complete(name)
        cluster.etcd_voters_are(*cluster.control_planes())
    cluster.power_on("cp5")
    cluster.formed()
