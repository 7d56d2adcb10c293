"""Power is cut N seconds into the first boot of the init node, then of a joining control plane and a worker at once.

What etcd had written at that moment must still be what it runs on in the end.
"""

from cluster import Failed, document

CASES = [f"{seconds:02}" for seconds in range(1, 31)]
SAMPLE = ["09"]
# The third control plane is never on: two are enough to be cut.
DOCUMENT = document()


def play(cluster, seconds):
    lose_power(cluster, int(seconds), "cp1")
    lose_power(cluster, int(seconds), "cp2", "w1")
    cluster.nodes_are("cp1", "cp2", "w1")
    cluster.etcd_voters_are("cp1", "cp2")
    cluster.control_planes_answer("cp1", "cp2")
    cluster.is_one_cluster("cp1", "cp2")


def lose_power(cluster, seconds, *names):
    cluster.power_on(*names)
    cluster.sleep(seconds)
    cluster.power_off(*names)
    cluster.say(f"{' and '.join(names)} lost power {seconds} s after it came")
    stores = {name: store(cluster, name) for name in names}
    cluster.sleep(1)
    cluster.power_on(*names)
    cluster.complete(*names)
    for name, before in stores.items():
        if before and store(cluster, name) != before:
            raise Failed(f"{name}: etcd's data was wiped")


def store(cluster, name):
    """What tells etcd's data from other data in the same place, None if there is none."""
    path = cluster[name].etcd_store
    return path.stat().st_ino if path.exists() else None
