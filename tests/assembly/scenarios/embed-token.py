"""Authorities embedded in every control plane's seed; workers join with the token, until the window ends."""

import base64
import re
from datetime import datetime, timedelta

from cluster import Failed, document

DOCUMENT = document(bootstrap={"certificates": "embed", "credentials": "token", "window": "48h"})


def play(cluster):
    cluster.power_on()
    cluster.formed()
    cluster.secrets_are_gone("w1")

    answer = cluster.kubectl(
        "--namespace=kube-system", "get", "secrets", "--field-selector=type=bootstrap.kubernetes.io/token",
        "--output=jsonpath={.items[*].data.expiration}")
    found = [base64.b64decode(word).decode() for word in answer.stdout.split()]
    secrets = (cluster.folder / "cluster.secrets.yaml").read_text(encoding="utf-8")
    issued = datetime.fromisoformat(re.search(r'issuedAt: "?([^"\n]+)', secrets)[1])
    expected = [(issued + timedelta(hours=48)).strftime("%Y-%m-%dT%H:%M:%SZ")]
    if found != expected:
        raise Failed(f"tokens expire at {found}, not at {expected}")
