"""After the bootstrap window no machine starts a cluster: neither the first time, nor when its disk was emptied."""

from datetime import datetime, timedelta, timezone

from cluster import Failed, document

CASES = ["first", "blank"]
SAMPLE = ["first"]
WORDS = "no cluster answers, and this bundle was to start one until"
WINDOW = {"first": timedelta(seconds=1), "blank": timedelta(seconds=240)}
# Made now, as the scenario has to know when.
ISSUED = timedelta(seconds=1)


def DOCUMENT(case):
    return document(workers=0, bootstrap={"window": f"{WINDOW[case].seconds}s"})


def play(cluster, case):
    if case == "first":
        cluster.power_on()
        cluster.shows("cp1", "waiting", WORDS)
        cluster.shows("cp2", "waiting", "no control plane answers yet; cp1 starts the cluster")
        cluster.sleep(20)
        cluster.no_cluster_was_started(*cluster.names())
        return
    cluster.power_on()
    cluster.formed(seconds=WINDOW[case].seconds)
    uid = cluster.uid()
    cluster.power_off()
    cluster.sleep((cluster.issued_at + WINDOW[case] - datetime.now(timezone.utc)).total_seconds())
    cluster.say("the window is over")
    cluster.blank("cp1")
    cluster.power_on("cp1")
    cluster.shows("cp1", "waiting", WORDS, seconds=200)
    cluster.sleep(20)
    cluster.no_cluster_was_started("cp1")
    cluster.power_on("cp2", "cp3")
    cluster.formed()
    if cluster.uid() != uid:
        raise Failed("another cluster")
