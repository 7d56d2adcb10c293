"""The holder of the VIP is cut off, with three lengths of its lease; how long the VIP is silent is printed.

Figures of kube-vip's stand-in, unless HAGEN_KUBE_VIP_IMAGE named the real one.
The other side of a short lease is printed too: whether the VIP moves without
need when etcd's leader dies.
"""

import time

from cluster import Failed, document

# Duration, renew deadline, retry period.
CASES = ["15-10-2", "10-6-2", "5-3-1"]
SAMPLE = ["15-10-2"]


def DOCUMENT(lease):
    duration, deadline, period = map(int, lease.split("-"))
    lease = {"duration": duration, "renewDeadline": deadline, "retryPeriod": period}
    return document(workers=0, endpoint={"kubeVip": {"lease": lease}})


def play(cluster, lease):
    cluster.power_on()
    cluster.formed()
    for _ in range(3):
        holder = cluster.vip_holder()
        cluster.power_off(holder)
        started = time.monotonic()
        cluster.vip_answers(seconds=120)
        silent = time.monotonic() - started
        cluster.say(f"lease {lease}: {holder} lost power, {cluster.vip_holder()} holds the VIP, {silent:.1f} s")
        cluster.power_on(holder)
        cluster.nodes_are(*cluster.names())
        cluster.etcd_voters_are(*cluster.control_planes())
        cluster.control_planes_answer()

    # A leader of etcd that is not the holder.
    for _ in range(10):
        holder, leader = cluster.vip_holder(), cluster.etcd_leader()
        if holder != leader:
            break
        other = next(name for name in cluster.control_planes() if name != holder)
        cluster.lead_etcd(other)
    else:
        raise Failed("etcd's leader does not move")
    cluster.power_off(leader)
    cluster.sleep(30)
    cluster.vip_answers()
    after = cluster.vip_holder()
    cluster.say(f"lease {lease}: etcd's leader {leader} lost power; the VIP {'stayed' if after == holder else 'moved'}")
    cluster.power_on(leader)
    cluster.formed()
