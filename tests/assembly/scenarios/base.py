"""Three control planes and a worker, all powered on at once, with each Kubernetes minor; then all are rebooted.

Pods run and a Service answers from every machine; the document's manifest is
applied; no machine keeps a secret that it needs no more; after a reboot no step
of hagen runs again. In the case `ignition` it is Ignition that has delivered,
and networkd that configures the network.
"""

from cluster import Failed, document
from versions import MINORS

CASES = [*MINORS, "ignition"]
# Files beside the document.
HELLO = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hello, namespace: default}\ndata: {said: by-hagen}\n"
FILES = {"hello.yaml": HELLO}


def DOCUMENT(case):
    minor, system = ("1.36", "flatcar") if case == "ignition" else (case, "debian")
    # A mode of kube-proxy each, but for IPVS, which this kernel lacks.
    mode = "iptables" if minor == "1.35" else "nftables"
    return document(kubernetes={"version": MINORS[minor], "proxy": {"mode": mode}}, manifests=["hello.yaml"], os=system)


def play(cluster, case):
    cluster.power_on()
    cluster.formed()
    said = cluster.kubectl("get", "configmap", "hello", "--output=jsonpath={.data.said}").stdout
    if said != "by-hagen":
        raise Failed(f"the document's manifest was not applied: {said!r}")
    cluster.pods_run()
    cluster.hurry()
    cluster.settled()
    cluster.secrets_are_gone(*cluster.names())
    for name in cluster.control_planes():
        cluster[name].must("systemctl", "is-active", "hagen-renew.timer", "hagen-caretaker.timer")

    for name in cluster.names():
        cluster[name].shut_down()
    cluster.say("all were shut down")
    cluster.power_on()
    cluster.formed()
    cluster.pods_run()
    for name in cluster.names():
        for unit in ("hagen-firstboot", "cloud-config", "cloud-final"):
            started = cluster[name].must("systemctl", "show", "--value", "--property=ExecMainStartTimestamp", unit)
            if started.strip():
                raise Failed(f"{name}: {unit} ran again: {started}")
    cluster.secrets_are_gone(*cluster.names())
