"""Workers join with the token, and one that comes after the window says what helps; authorities are in every seed."""

import base64
from datetime import timedelta

from cluster import Failed, document

WINDOW = timedelta(seconds=170)
# Made now, as the scenario has to know when.
ISSUED = timedelta(seconds=1)
SAMPLE = []
DOCUMENT = document(
    workers=2, bootstrap={"certificates": "embed", "credentials": "token", "window": f"{WINDOW.seconds}s"})


def play(cluster):
    cluster.power_on(*cluster.control_planes(), "w1")
    cluster.complete(*cluster.control_planes(), "w1", seconds=WINDOW.seconds)
    cluster.secrets_are_gone(*cluster.control_planes(), "w1")
    answer = cluster.kubectl(
        "--namespace=kube-system", "get", "secrets", "--field-selector=type=bootstrap.kubernetes.io/token",
        "--output=jsonpath={.items[*].data.expiration}")
    found = [base64.b64decode(word).decode() for word in answer.stdout.split()]
    expected = [f"{cluster.issued_at + WINDOW:%Y-%m-%dT%H:%M:%SZ}"]
    if found != expected:
        raise Failed(f"tokens expire at {found}, not at {expected}")

    cluster.until(lambda: cluster.join_secrets(), WINDOW.seconds + 60)
    cluster.say("the token has expired")
    cluster.power_on("w2")
    words = "sudo kubeadm token create --config /etc/hagen/token.yaml"
    cluster.shows("w2", "waiting", words)
    # kubeadm looks for /etc/kubernetes/admin.conf itself.
    cluster["cp2"].must(*words.split()[1:])
    cluster.formed()
