"""Power is cut N seconds into the first boot of the init node, then of a joining control plane and a worker at once.

What etcd had written at that moment must still be what it runs on in the end.
"""

from cluster import Failed, document

CASES = [f"{seconds:02}" for seconds in range(1, 31)]
SAMPLE = ["07", "14"]
DOCUMENT = document()
STORE = "var/lib/etcd/member"


def play(cluster, seconds):
    powerless("cp1")(cluster, int(seconds))
    cluster.complete("cp1")
    powerless("cp2", "w1")(cluster, int(seconds))
    cluster.complete("cp2", "w1")
    cluster.nodes_are_declared_ones()


def powerless(*names):
    def cut(cluster, seconds):
        cluster.power_on(*names)
        cluster.sleep(seconds)
        cluster.power_off(*names)
        cluster.say(f"{' and '.join(names)} lost power {seconds} s after it came")
        stores = {name: inode(cluster, name) for name in names}
        cluster.sleep(1)
        cluster.power_on(*names)
        cluster.complete(*names)
        for name, before in stores.items():
            if before and inode(cluster, name) != before:
                raise Failed(f"{name}: etcd's data was wiped")
    return cut


def inode(cluster, name):
    path = cluster[name].root / STORE
    return path.stat().st_ino if path.exists() else None
