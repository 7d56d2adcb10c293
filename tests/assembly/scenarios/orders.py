"""The control planes are powered on ten seconds apart, in every order; or a worker long before all of them."""

import itertools

from cluster import document

CASES = ["-".join(order) for order in itertools.permutations(("cp1", "cp2", "cp3"))] + ["worker-first"]
SAMPLE = ["cp3-cp2-cp1"]


def DOCUMENT(case):
    # An hour's wait is made short by a token that outlives it by little.
    return document(bootstrap={"credentials": "token", "window": "4m"} if case == "worker-first" else {})


def play(cluster, case):
    if case == "worker-first":
        cluster.power_on("w1")
        cluster.status("w1", "waiting", "no API server answers at 10.9.0.10:6443 yet")
        cluster.sleep(60)
        cluster.power_on(*cluster.control_planes())
    else:
        for name in case.split("-"):
            cluster.power_on(name)
            cluster.sleep(10)
        cluster.power_on("w1")
    cluster.formed()
