"""A control plane gets a blank disk while another one is off: without a majority it waits and touches nothing."""

from cluster import Failed, document

CASES = ["cp1", "cp3"]
SAMPLE = []
DOCUMENT = document(workers=0)


def play(cluster, name):
    cluster.power_on()
    cluster.formed()
    uid = cluster.uid()
    off, on = (each for each in cluster.control_planes() if each != name)
    cluster.power_off(off)
    cluster.blank(name)
    cluster.power_on(name)
    cluster.status(name, "waiting", f"etcd has no majority that could let {name} in")
    members = cluster.etcd_members(on)
    cluster.sleep(30)
    cluster.status(name, "waiting", f"etcd has no majority that could let {name} in")
    if cluster.etcd_members(on) != members or cluster[name].read("/etc/kubernetes/kubelet.conf") is not None:
        raise Failed(f"{name} did not wait")

    cluster.power_on(off)
    cluster.formed()
    if cluster.uid() != uid:
        raise Failed("another cluster")
