"""The token and the uploaded certificates expire before a control plane comes, and the caretaker has them there again.

They leave the cluster when all control planes are voters, come back when one is
cut off, and go again when it returns with a blank disk. Expiry takes 24 and 2
hours; here both are given seconds.
"""

import json
from datetime import datetime, timedelta, timezone

from cluster import Failed, document

DOCUMENT = document()


def play(cluster):
    cluster.power_on("cp1", "cp2")
    cluster.complete("cp1", "cp2")
    cluster.hurry("cp1", "cp2")
    before = tokens(cluster)
    expire(cluster)
    cluster.say("the token and the uploaded certificates have expired")
    cluster.until(lambda: tokens(cluster).keys() != before.keys() and "not there again", 120)
    cluster.power_on("cp3", "w1")
    cluster.formed()
    cluster.hurry("cp3")
    cluster.settled()

    cluster.power_off("cp3")
    cluster.say("cp3 is cut off")
    cluster.until(lambda: len(cluster.join_secrets()) < 2 and "what cp3 needs to come back is not there", 240)
    cluster.say(f"there again: {', '.join(cluster.join_secrets())}")
    cluster.blank("cp3")
    cluster.power_on("cp3")
    cluster.formed()
    cluster.hurry("cp3")
    cluster.settled()


def tokens(cluster):
    """Name and UID of what expires."""
    items, problem = cluster.objects("secrets", "--namespace=kube-system")
    if problem:
        raise Failed(problem)
    found = {item["metadata"]["name"]: item["metadata"]["uid"] for item in items}
    return {name: uid for name, uid in found.items() if name == "kubeadm-certs" or name.startswith("bootstrap-token-")}


def expire(cluster):
    """In some seconds, as the API's own clock does it: the token cleaner deletes both tokens, and with its owner go the certificates."""
    before = set(tokens(cluster).items())
    soon = f"{datetime.now(timezone.utc) + timedelta(seconds=5):%Y-%m-%dT%H:%M:%SZ}"
    for name in tokens(cluster):
        if name != "kubeadm-certs":
            patch = json.dumps({"stringData": {"expiration": soon}})
            done = cluster.kubectl("--namespace=kube-system", "patch", "secret", name, f"--patch={patch}")
            if done.returncode:
                raise Failed(done.stderr)
    cluster.until(lambda: before & set(tokens(cluster).items()) and "they do not expire", 120)
