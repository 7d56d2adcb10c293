"""The token and the uploaded certificates expire before a control plane comes, and the caretaker has them there again.

They leave the cluster when all control planes are voters, come back when one is
cut off, and go again when it returns with a blank disk. Expiry takes 24 and 2
hours; here both are given seconds.
"""

import json
from datetime import datetime, timedelta, timezone

from cluster import STATE, Failed, document

DOCUMENT = document()


def play(cluster):
    cluster.power_on("cp1", "cp2")
    cluster.complete("cp1", "cp2")
    cluster.hurry("cp1", "cp2")
    # Each caretaker begins with an upload, whose token then stands for the certificates' expiry; the next is in 45 minutes.
    cluster.until(lambda: not_uploaded(cluster, "cp1", "cp2"), 120)
    expire(cluster)
    cluster.say("the token and the uploaded certificates have expired")
    cluster.until(lambda: incomplete(cluster), 120)
    cluster.say(f"there again: {', '.join(cluster.join_secrets())}")
    cluster.power_on("cp3", "w1")
    cluster.formed()
    cluster.hurry("cp3")
    cluster.settled()

    cluster.power_off("cp3")
    cluster.say("cp3 is cut off")
    cluster.until(lambda: incomplete(cluster), 240)
    cluster.say(f"there again: {', '.join(cluster.join_secrets())}")
    cluster.blank("cp3")
    cluster.power_on("cp3")
    cluster.formed()
    cluster.hurry("cp3")
    cluster.settled()


def not_uploaded(cluster, *names):
    late = [name for name in names if cluster[name].read(f"{STATE}/certificates-uploaded") is None]
    return late and f"their caretakers have not uploaded the certificates: {', '.join(late)}"


def incomplete(cluster):
    """kubeadm-certs, the token that owns it and the one to join with are there."""
    names = cluster.join_secrets()
    return ("kubeadm-certs" not in names or len(names) < 3) and f"what a control plane joins with is not there: {names}"


def secrets(cluster):
    """UID by name of all Secrets that kubeadm and hagen keep."""
    items, problem = cluster.objects("secrets", "--namespace=kube-system")
    if problem:
        raise Failed(problem)
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in items}


def expire(cluster):
    """In some seconds, as the API does it: the token cleaner deletes the tokens, with their owner go the certificates."""
    before = secrets(cluster)
    soon = f"{datetime.now(timezone.utc) + timedelta(seconds=5):%Y-%m-%dT%H:%M:%SZ}"
    patch = json.dumps({"stringData": {"expiration": soon}})
    for name in before:
        if name.startswith("bootstrap-token-"):
            done = cluster.kubectl("--namespace=kube-system", "patch", "secret", name, f"--patch={patch}")
            if done.returncode:
                raise Failed(done.stderr)
    cluster.until(
        lambda: secrets(cluster).get("kubeadm-certs") == before["kubeadm-certs"] and "they do not expire", 120)
