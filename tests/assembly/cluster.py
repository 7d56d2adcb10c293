"""A document, its rendered machines, and what can be seen of the cluster from outside.

A scenario plays with a `Cluster`: it powers machines on and off and says what
must hold. Every wait is bounded and ends in `Failed`, with the reason.
"""

import copy
import json
import re
import shutil
import sys
import time
from pathlib import Path

from machine import NAMESPACE, Machine, Switch, run

REPOSITORY = Path(__file__).resolve().parent.parent.parent
ASSEMBLY = REPOSITORY / "target" / "assembly"
STATE = "/var/lib/hagen"
VERSION = "1.36.3"

# A cluster of four. What a container on a host with cgroup v1 needs is asked for
# with fields that every user has.
DOCUMENT = {
    "name": "assembly",
    "kubernetes": {
        "version": VERSION,
        "proxy": {"mode": "none"},
        "ignorePreflightErrors": ["SystemVerification", "NumCPU", "Mem"],
        "kubelet": {"cgroupDriver": "cgroupfs", "failCgroupV1": False},
    },
    "endpoint": {"vip": "10.9.0.10"},
    "network": {"gateway": "10.9.0.1"},
    "containerd": {
        # Without CAP_SYS_RESOURCE nobody may lower an oom_score_adj.
        "extraConfig": '[plugins."io.containerd.grpc.v1.cri"]\nrestrict_oom_score_adj = true\n',
    },
    "nodes": [
        {"name": "cp1", "role": "control-plane", "address": "10.9.0.11/24", "interface": "host0"},
        {"name": "cp2", "role": "control-plane", "address": "10.9.0.12/24", "interface": "host0"},
        {"name": "cp3", "role": "control-plane", "address": "10.9.0.13/24", "interface": "host0"},
        {"name": "w1", "role": "worker", "address": "10.9.0.21/24", "interface": "host0"},
    ],
}


def document(**changes):
    """The document above with `changes` laid over it, object by object."""
    def lay(over, under):
        for field, value in over.items():
            nested = isinstance(value, dict) and isinstance(under.get(field), dict)
            under[field] = lay(value, under[field]) if nested else value
        return under
    return lay(changes, copy.deepcopy(DOCUMENT))


class Failed(Exception):
    """What must hold does not."""


class Cluster:
    """The machines of `document`, delivered with their seeds and still off."""

    def __init__(self, name, cluster_document, files, hagen, image, kubectl):
        self.document = cluster_document
        self.folder = ASSEMBLY / name
        self.out = self.folder / "out"
        self.kubectl_binary = kubectl
        self.started = time.monotonic()
        self._shown = {}
        self._render(hagen, files)
        gateway, nodes = cluster_document["network"]["gateway"], cluster_document["nodes"]
        prefix = nodes[0]["address"].split("/")[1]
        self.switch = Switch(f"{gateway}/{prefix}")
        self.machines = {
            node["name"]: Machine(
                node["name"], self.folder / "machines" / node["name"], image,
                self.out / "nodes" / node["name"], self.switch,
                node.get("mac", f"52:54:00:00:00:{number:02x}"))
            for number, node in enumerate(nodes, 1)
        }

    def __getitem__(self, name):
        return self.machines[name]

    def _render(self, hagen, files):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for path, content in files.items():
            (self.folder / path).write_text(content, encoding="utf-8")
        # JSON is YAML.
        source = self.folder / "cluster.yaml"
        source.write_text(json.dumps(self.document, indent=2), encoding="utf-8")
        run(hagen, "render", source, "-o", self.out)

    # Who there is.

    def names(self, role=None):
        return [node["name"] for node in self.document["nodes"] if role in (None, node["role"])]

    def control_planes(self):
        return self.names("control-plane")

    def address(self, name):
        return next(node["address"].split("/")[0] for node in self.document["nodes"] if node["name"] == name)

    # What is done.

    def power_on(self, *names):
        for name in names or self.names():
            self[name].power_on()

    # What must hold.

    def formed(self, seconds=420):
        """All machines say they are done, and the cluster is the declared one."""
        self.complete(*self.names(), seconds=seconds)
        self.nodes_are_declared_ones()
        self.etcd_voters_are(*self.control_planes())
        self.vip_answers()
        self.control_planes_answer()

    def complete(self, *names, seconds=420):
        """The machines' first boot is over: /var/lib/hagen/complete is there."""
        def missing():
            self._show_status()
            late = [name for name in names if self[name].read(f"{STATE}/complete") is None]
            dead = [name for name in late if self[name].process and self[name].process.poll() is not None]
            if dead:
                raise Failed(f"{', '.join(dead)}: the machine itself ended")
            return late and f"not complete: {', '.join(late)}"
        self.until(missing, seconds)
        self.say("complete: " + ", ".join(names))

    def nodes_are_declared_ones(self, seconds=60):
        label = "node-role.kubernetes.io/control-plane"
        expected = {name: name in self.control_planes() for name in self.names()}

        def difference():
            answer = self.kubectl("get", "nodes", "--output=json")
            if answer.returncode:
                return f"kubectl: {answer.stderr.strip()}"
            metadata = [item["metadata"] for item in json.loads(answer.stdout)["items"]]
            found = {item["name"]: label in item["labels"] for item in metadata}
            return found != expected and f"nodes (name: control plane?) are {found}, not {expected}"
        self.until(difference, seconds)

    def settled(self, seconds=300):
        """The caretaker has been there: workers carry their role, and what only a missing machine needs is gone."""
        def unsettled():
            answer = self.kubectl("get", "nodes,secrets", "--all-namespaces", "--output=json")
            if answer.returncode:
                return f"kubectl: {answer.stderr.strip()}"
            items = json.loads(answer.stdout)["items"]
            workers = {
                item["metadata"]["name"] for item in items
                if item["kind"] == "Node" and "node-role.kubernetes.io/worker" in item["metadata"]["labels"]}
            if workers != set(self.names("worker")):
                return f"labelled as workers are {sorted(workers)}, not {self.names('worker')}"
            left = [
                name for item in items if item["kind"] == "Secret"
                and ((name := item["metadata"]["name"]) == "kubeadm-certs" or name.startswith("bootstrap-token-"))]
            return left and f"still in the cluster: {', '.join(left)}"
        self.until(unsettled, seconds)
        self.say("settled: roles are labelled, the token and the uploaded certificates are gone")

    def secrets_are_gone(self, name):
        """Nothing on the machine's disk holds the keys and tokens that its seed brought for joining."""
        seed = (self.out / "nodes" / name / "user-data").read_text(encoding="utf-8")
        join = seed.partition("path: /etc/hagen/kubeadm-join.yaml")[2].partition("- path:")[0]
        credentials = seed.partition("path: /etc/hagen/join.conf")[2].partition("- path:")[0]
        needles = re.findall(r"(?:token|certificateKey): (\S+)", join) if name in self.names("worker") else []
        needles += re.findall(r"client-key-data: (\S+)", credentials)
        if not needles:
            raise Failed(f"{name}'s seed holds nothing that could be looked for")
        for file in self[name].folder.joinpath("upper").rglob("*"):
            if file.is_file() and not file.is_symlink():
                content = file.read_bytes()
                if any(needle.encode() in content for needle in needles):
                    raise Failed(f"{name}: {file} still holds what it joined with")

    def status(self, name, state, words, seconds=120):
        """The machine's own status is `state`, with these words in its sentence."""
        def otherwise():
            self._show_status()
            text = self[name].read(f"{STATE}/status.json")
            found = json.loads(text) if text else {}
            return (found.get("state") != state or words not in found.get("message", "")) and (
                f"{name} says {text}, not {state} and '{words}'")
        self.until(otherwise, seconds)

    def etcd_voters_are(self, *names, seconds=60):
        """Exactly these etcd members, all started, none of them a learner."""
        self.etcd_voters_are_seen_by(names[0], *names, seconds=seconds)

    def etcd_voters_are_seen_by(self, asked, *names, seconds=60):
        def difference():
            try:
                members = self.etcd_members(asked)
            except Failed as failed:
                return str(failed)
            found = sorted((member.get("name", ""), member.get("isLearner", False)) for member in members)
            expected = sorted((name, False) for name in names)
            return found != expected and f"etcd members (name, learner?) are {found}, not {expected}"
        self.until(difference, seconds)

    def etcd_members(self, asked):
        pki = self[asked].root / "etc/kubernetes/pki/etcd"
        answer = self.switch.inside(
            "curl", "--silent", "--show-error", "--fail", "--max-time", 5, "--cacert", pki / "ca.crt",
            "--cert", pki / "healthcheck-client.crt", "--key", pki / "healthcheck-client.key",
            "--data", "{}", f"https://{self.address(asked)}:2379/v3/cluster/member/list")
        if answer.returncode:
            raise Failed(f"etcd of {asked}: {answer.stderr.strip()}")
        return json.loads(answer.stdout)["members"]

    def vip_answers(self, seconds=60):
        self._answers(self.document["endpoint"]["vip"], seconds)

    def control_planes_answer(self, *names, seconds=120):
        """Each control plane's own API server is alive."""
        for name in names or self.control_planes():
            self._answers(self.address(name), seconds)

    def vip_holder(self):
        """The name of the control plane that has the VIP on its interface, or None."""
        vip = self.document["endpoint"]["vip"]
        for name in self.control_planes():
            listing = self.switch.inside("ip", "-n", f"{NAMESPACE}{name}", "-oneline", "address", "show", "host0")
            if f" {vip}/" in listing.stdout:
                return name
        return None

    def _answers(self, host, seconds):
        url = f"https://{host}:{self.document['endpoint'].get('port', 6443)}/livez"
        authority = next(
            path for name in self.control_planes()
            if (path := self[name].root / "etc/kubernetes/pki/ca.crt").exists())

        def silence():
            answer = self.switch.inside(
                "curl", "--silent", "--show-error", "--fail", "--max-time", 2, "--cacert", authority, url)
            return answer.returncode and f"{url}: {answer.stderr.strip()}"
        self.until(silence, seconds)

    def kubectl(self, *arguments):
        """kubectl on a computer of the machines' network, with the kubeconfig for people."""
        return self.switch.inside(
            self.kubectl_binary, f"--kubeconfig={self.out}/kubeconfig", "--request-timeout=10s", *arguments)

    def until(self, problem, seconds):
        """Call `problem` each second until it returns nothing; what it returns is why we wait."""
        deadline = time.monotonic() + seconds
        while (reason := problem()):
            if time.monotonic() > deadline:
                raise Failed(f"{reason} (after {seconds} s)")
            time.sleep(1)

    # What is shown.

    def say(self, text):
        print(f"{time.monotonic() - self.started:6.1f} s  {text}", file=sys.stderr, flush=True)

    def _show_status(self):
        for name, machine in self.machines.items():
            status = machine.read(f"{STATE}/status.json")
            if status and status != self._shown.get(name):
                self._shown[name] = status
                self.say(f"{name}: {' '.join(status.split())}")

    def keep_logs(self, failed):
        """Write what each machine has to tell to its logs; print the ends when it failed."""
        for name, machine in self.machines.items():
            logs = self.folder / "logs" / name
            logs.mkdir(parents=True, exist_ok=True)
            told = {
                "console": machine.console.read_text(errors="replace") if machine.console.exists() else "",
                "journal": machine.journal("*"),
                "hagen-firstboot": machine.journal("hagen-firstboot.service"),
                "status.json": machine.read(f"{STATE}/status.json") or "",
                "cloud-init": machine.read("/var/log/cloud-init.log") or "",
            }
            for log, text in told.items():
                (logs / log).write_text(text, encoding="utf-8")
            if failed:
                for log in ("console", "hagen-firstboot", "status.json"):
                    end = told[log].splitlines()[-30:]
                    print(f"--- {name}: {log}", *end, sep="\n", file=sys.stderr)
