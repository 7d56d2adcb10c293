"""Three control planes and a worker, all powered on at once; a manifest; nothing is left that only joining needs."""

from cluster import Failed, document

# Files beside the document.
FILES = {"hello.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hello, namespace: default}\ndata: {said: by-hagen}\n"}
DOCUMENT = document(manifests=["hello.yaml"])


def play(cluster):
    cluster.power_on()
    cluster.formed()
    said = cluster.kubectl("get", "configmap", "hello", "--output=jsonpath={.data.said}").stdout
    if said != "by-hagen":
        raise Failed(f"the document's manifest was not applied: {said!r}")
    cluster.secrets_are_gone("w1")
    cluster.settled()
