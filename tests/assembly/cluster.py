"""A document, its rendered machines, and what can be seen of the cluster from outside.

A scenario plays with a `Cluster`: it powers machines on and off and says what
must hold. Every wait is bounded and ends in `Failed`, with the reason.
"""

import base64
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import ignition
import machine
from machine import Failed, Machine, Switch, run
from versions import MINORS

REPOSITORY = Path(__file__).resolve().parent.parent.parent
ASSEMBLY = REPOSITORY / "target" / "assembly"
STATE = "/var/lib/hagen"
# Where a control plane keeps secrets of its seed: what it serves with, and what the caretaker needs.
NEEDED = {
    "etc/kubernetes/pki/", "etc/kubernetes/kube-vip.conf", "etc/hagen/token-secret.yaml", "etc/hagen/token.yaml",
    "etc/hagen/upload-certs.yaml"}

# A cluster of four. What a container on a host with cgroup v1 needs is asked for
# with fields that every user has.
DOCUMENT = {
    "name": "assembly",
    "kubernetes": {
        "version": MINORS["1.36"],
        # A network namespace may not set the table's size.
        "proxy": {"mode": "nftables", "config": {"conntrack": {"maxPerCore": 0}}},
        "ignorePreflightErrors": ["SystemVerification", "NumCPU", "Mem"],
        "kubelet": {"cgroupDriver": "cgroupfs", "failCgroupV1": False},
    },
    "endpoint": {"vip": "10.9.0.10"},
    # Nobody serves names there, but CoreDNS gives up where a machine knows no nameserver.
    "network": {"gateway": "10.9.0.1", "nameservers": ["10.9.0.1"]},
    "containerd": {
        # Without CAP_SYS_RESOURCE nobody may lower an oom_score_adj.
        "extraConfig": '[plugins."io.containerd.grpc.v1.cri"]\nrestrict_oom_score_adj = true\n',
    },
    "nodes": [],
}


def nodes(control_planes=3, workers=1):
    """cp1, cp2, ... at 10.9.0.11 and up; w1, w2, ... at 10.9.0.21 and up; their Pods at 10.244.11.0/24 and so on."""
    machines = [("control-plane", f"cp{number}", 10 + number) for number in range(1, control_planes + 1)]
    machines += [("worker", f"w{number}", 20 + number) for number in range(1, workers + 1)]
    for role, name, host in machines:
        # A network for Pods of Debian's CNI plug-ins alone: a bridge on every machine, and routes to all others'.
        routes = "".join(
            f"ExecStartPre=-ip route replace 10.244.{other}.0/24 via 10.9.0.{other}\n"
            for _, _, other in machines if other != host)
        network = {
            "cniVersion": "1.0.0", "name": "bridges", "plugins": [{
                "type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True,
                "ipam": {
                    "type": "host-local", "ranges": [[{"subnet": f"10.244.{host}.0/24"}]],
                    "routes": [{"dst": "0.0.0.0/0"}]}}]}
        yield {
            "name": name, "role": role, "address": f"10.9.0.{host}/24", "interface": "host0",
            "files": [
                {"path": "/etc/cni/net.d/10-bridges.conflist", "content": json.dumps(network, indent=2)},
                {"path": "/etc/systemd/system/kubelet.service.d/20-routes.conf", "content": f"[Service]\n{routes}"}]}


def document(control_planes=3, workers=1, **changes):
    """The document above for so many machines, with `changes` laid over it, object by object."""
    def lay(over, under):
        for field, value in over.items():
            nested = isinstance(value, dict) and isinstance(under.get(field), dict)
            under[field] = lay(value, under[field]) if nested else value
        return under
    return lay(changes, copy.deepcopy(DOCUMENT) | {"nodes": list(nodes(control_planes, workers))})


def is_true(item, condition):
    """Whether a condition of a Kubernetes object is True; a Pod that ran to its end is ready enough."""
    status = item.get("status", {})
    return status.get("phase") == "Succeeded" or any(
        each["type"] == condition and each["status"] == "True" for each in status.get("conditions", []))


class Cluster:
    """The machines of `document`, delivered with their seeds and still off.

    `issued` is how long ago (negative: in how long) its secrets were made. All
    that hagen renders counts from there, so that moves the clock of this cluster
    when no clock can be set. `payload(cluster)` fills a folder for `render
    --payload` and returns that command: then the machines have drives with their
    seed.iso and payload.iso, and neither a seed nor images on their disks.
    """

    def __init__(self, site, cluster_document, files, hagen, image, kubectl, issued=timedelta(), payload=None):
        self.document = cluster_document
        self.folder = ASSEMBLY / site
        self.out = self.folder / "out"
        self.kubectl_binary = kubectl
        self.started = time.monotonic()
        self._site, self._shown = site, {}
        self._write(files, issued)
        # As people type it, in the document's folder.
        self.path = f"{hagen.parent}:{kubectl.parent}:{os.environ['PATH']}"
        command = payload(self) if payload else "hagen render cluster.yaml -o out/"
        self.type(command)
        self.payload = machine.drive(self.out / "payload.iso") if payload else None
        gateway, declared = cluster_document["network"]["gateway"], cluster_document["nodes"]
        prefix = declared[0]["address"].split("/")[1]
        self.switch = Switch(site, f"{gateway}/{prefix}")
        self.machines = {
            node["name"]: Machine(
                node["name"], self.folder / "machines" / node["name"], image,
                self.out / "nodes" / node["name"], self.switch,
                node.get("mac", f"52:54:00:00:00:{number:02x}"), self._drives(node["name"]))
            for number, node in enumerate(declared, 1)
        }

    def __getitem__(self, name):
        return self.machines[name]

    def _write(self, files, issued):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for path, content in files.items():
            (self.folder / path).write_text(content, encoding="utf-8")
        # JSON is YAML.
        (self.folder / "cluster.yaml").write_text(json.dumps(self.document, indent=2), encoding="utf-8")
        if issued:
            self.issued_at = datetime.now(timezone.utc).replace(microsecond=0) - issued
            secrets = self.folder / "cluster.secrets.yaml"
            secrets.touch(mode=0o600)
            seed = base64.b64encode(os.urandom(32)).decode()
            secrets.write_text(
                f"version: 1\nseed: {seed}\nissuedAt: {self.issued_at:%Y-%m-%dT%H:%M:%SZ}\n", encoding="utf-8")

    def type(self, command, machine=None):
        """Run a command of hagen's pages, here or on the machines' network; returns what it says."""
        network = ["ip", "netns", "exec", self.switch.namespace_of(machine)] if machine else []
        done = subprocess.run(
            [*network, "bash", "-c", command], cwd=self.folder, env=os.environ | {"PATH": self.path}, check=False,
            capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"{command}: {done.stderr.strip()}")
        return done.stdout

    def _drives(self, name):
        return self.payload and [machine.drive(self.out / "nodes" / name / "seed.iso"), self.payload]

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

    def power_off(self, *names):
        for name in names or self.names():
            self[name].power_off()

    def blank(self, *names):
        """The plug is pulled, and there are new disks with the same seeds."""
        for name in names:
            self[name].power_off()
            self[name].blank()

    def hurry(self, *names):
        """The caretakers of these control planes come every few seconds, and soon miss a machine that is silent."""
        for name in names or self.control_planes():
            self[name].must("sh", "-euc", """
                sed -i 's/^MISSING_AFTER=.*/MISSING_AFTER=75/' /etc/hagen/node.env
                mkdir -p /etc/systemd/system/hagen-caretaker.timer.d
                printf '[Timer]\\nOnActiveSec=\\nOnActiveSec=1\\nOnUnitInactiveSec=10\\nRandomizedDelaySec=0\\n' \\
                  >/etc/systemd/system/hagen-caretaker.timer.d/hurry.conf
                systemctl daemon-reload
                systemctl restart hagen-caretaker.timer""")

    def lead_etcd(self, name):
        """Make this machine's etcd the leader."""
        leader = self.etcd_leader()
        target = next(member["ID"] for member in self.etcd_members(leader) if member["name"] == name)
        self._etcd(leader, "maintenance/transfer-leadership", {"targetID": target})

    # What must hold.

    def formed(self, seconds=420):
        """All machines say they are done, and the cluster is the declared one."""
        self.complete(*self.names(), seconds=seconds)
        self.nodes_are(*self.names())
        self.etcd_voters_are(*self.control_planes())
        self.vip_answers()
        self.control_planes_answer()
        self.is_one_cluster()

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

    def nodes_are(self, *names, seconds=180):
        """The cluster's Nodes are exactly these machines, each with its role, and Ready."""
        label = "node-role.kubernetes.io/control-plane"
        expected = {name: (name in self.control_planes(), True) for name in names}

        def difference():
            items, problem = self.objects("nodes")
            found = {
                item["metadata"]["name"]: (label in item["metadata"]["labels"], is_true(item, "Ready"))
                for item in items}
            return problem or found != expected and (
                f"nodes (name: control plane? ready?) are {found}, not {expected}")
        self.until(difference, seconds)

    def is_one_cluster(self, *names):
        """What the control planes wrote down about their cluster is the same, and what the VIP serves."""
        served = self.uid()
        for name in names or self.control_planes():
            noted = (self[name].read(f"{STATE}/cluster") or "").split(" ")[0]
            if noted != served:
                raise Failed(f"{name} is in cluster {noted}, the VIP serves {served}")

    def uid(self):
        """The cluster's identity: the UID of its namespace kube-system."""
        return self.kubectl("get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}").stdout

    def settled(self, seconds=300):
        """The caretaker has been there: workers carry their role, and what only a missing machine needs is gone."""
        def unsettled():
            items, problem = self.objects("nodes")
            workers = {
                item["metadata"]["name"] for item in items
                if "node-role.kubernetes.io/worker" in item["metadata"]["labels"]}
            if not problem and workers != set(self.names("worker")):
                problem = f"labelled as workers are {sorted(workers)}, not {self.names('worker')}"
            return problem or (left := self.join_secrets()) and f"still in the cluster: {', '.join(left)}"
        self.until(unsettled, seconds)
        self.say("settled: roles are labelled, the token and the uploaded certificates are gone")

    def join_secrets(self):
        """The Secrets of the cluster that only a missing control plane needs."""
        items, problem = self.objects("secrets", "--namespace=kube-system")
        names = [item["metadata"]["name"] for item in items]
        return [problem] if problem else [
            name for name in names if name == "kubeadm-certs" or name.startswith("bootstrap-token-")]

    def pods_run(self, seconds=240):
        """Every Pod is ready, and a Service, which is Pods behind kube-proxy, answers from every machine."""
        def unready():
            items, problem = self.objects("pods", "--all-namespaces")
            late = [item["metadata"]["name"] for item in items if not is_true(item, "Ready")]
            return problem or late and f"not ready: {', '.join(late)}"
        self.until(unready, seconds)
        address = "--output=jsonpath={.spec.clusterIP}"
        server = self.kubectl("--namespace=kube-system", "get", "service", "kube-dns", address).stdout
        for name in self.names():
            def silence(name=name):
                answer = self.switch.inside(
                    sys.executable, Path(__file__).with_name("resolve.py"), server,
                    "kubernetes.default.svc.cluster.local", machine=name)
                return answer.stdout.strip() != "10.96.0.1" and (
                    f"{name}: the DNS Service says {answer.stdout.strip()!r}: {answer.stderr.strip()}")
            self.until(silence, 120)
        self.say(f"every Pod is ready, and the Service {server} answers from {', '.join(self.names())}")

    def secrets_are_gone(self, *names):
        """Nothing on these machines' disks holds keys and tokens that their seeds brought, beyond what stays needed."""
        for name in names:
            seed = self._seed(name)
            needles = set(re.findall(r"[ \"]([a-z0-9]{6}\.[a-z0-9]{16}|[0-9a-f]{64})[\"\n]", seed))
            needles |= set(re.findall(r"client-key-data: ([A-Za-z0-9+/=]{40,})", seed))
            needles |= {"".join(key.split()) for key in re.findall(r"BEGIN EC PRIVATE KEY-+\n(.*?)-+END", seed, re.S)}
            if not needles:
                raise Failed(f"{name}'s seed holds nothing that could be looked for")
            stay = NEEDED if name in self.control_planes() else set()
            for folder in (self[name].disk / "upper", self[name].folder / "kubelet"):
                for file in folder.rglob("*"):
                    place = str(file.relative_to(folder))
                    if not file.is_file() or file.is_symlink() or any(map(place.startswith, stay)):
                        continue
                    # Without its white space a PEM block is one word, wherever it was indented or wrapped.
                    content = b"".join(file.read_bytes().split())
                    if any(needle.encode() in content for needle in needles):
                        raise Failed(f"{name}: {place} still holds a secret of its seed")
        self.say(f"nothing of their seeds' secrets is left where it is not needed: {', '.join(names)}")

    def _seed(self, name):
        """The text of all that a machine was given."""
        folder = self.out / "nodes" / name
        if (folder / "config.ign").exists():
            return "\n".join(content.decode(errors="replace") for content in ignition.files(folder / "config.ign").values())
        return (folder / "user-data").read_text(encoding="utf-8")

    def status(self, name, state, words, seconds=120):
        """The machine's own status is `state`, with these words in its sentence."""
        def otherwise():
            self._show_status()
            said = self[name].inside("cat", "/run/hagen/status.json")
            text = said.stdout if said else None
            found = json.loads(text) if text else {}
            return (found.get("state") != state or words not in found.get("message", "")) and (
                f"{name} says {text}, not {state} and '{words}'")
        self.until(otherwise, seconds)

    def shows(self, name, state, words, seconds=120):
        """The sentence is where people look: status.json, the console and `hagen-status`."""
        self.status(name, state, words, seconds)

        # status.json is written first.
        def unseen():
            if words not in self[name].console.read_text(errors="replace"):
                return f"{name}'s console does not say '{words}'"
            said = self[name].inside("hagen-status")
            return (said.returncode == 0 or words not in said.stdout) and (
                f"hagen-status on {name} says {said.stdout!r}, not '{words}'")
        self.until(unseen, 10)

    def nothing_was_started(self, name):
        """The machine has touched nothing of Kubernetes."""
        root = self[name].root
        found = [*root.glob("etc/kubernetes/manifests/*"), *root.glob("var/lib/etcd/*")]
        if found := [*found, *self[name].folder.glob("kubelet/pki")]:
            raise Failed(f"{name} has gone on: {', '.join(map(str, found))}")

    def no_cluster_was_started(self, *names):
        for name in names:
            if self[name].etcd_store.exists():
                raise Failed(f"{name} has started a cluster")

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
        return self._etcd(asked, "cluster/member/list")["members"]

    def etcd_leader(self):
        """The name of the machine that leads etcd."""
        asked = self.control_planes()[0]
        leader = self._etcd(asked, "maintenance/status")["leader"]
        return next(member["name"] for member in self.etcd_members(asked) if member["ID"] == leader)

    def _etcd(self, asked, method, body=()):
        pki = self[asked].root / "etc/kubernetes/pki/etcd"
        answer = self.switch.inside(
            "curl", "--silent", "--show-error", "--fail", "--max-time", 5, "--cacert", pki / "ca.crt",
            "--cert", pki / "healthcheck-client.crt", "--key", pki / "healthcheck-client.key",
            "--data", json.dumps(dict(body)), f"https://{self.address(asked)}:2379/v3/{method}")
        if answer.returncode:
            raise Failed(f"etcd of {asked}: {answer.stderr.strip()}")
        return json.loads(answer.stdout)

    def vip_answers(self, seconds=60):
        self._answers(self.document["endpoint"]["vip"], seconds)

    def control_planes_answer(self, *names, seconds=120):
        """Each control plane's own API server is alive."""
        for name in names or self.control_planes():
            self._answers(self.address(name), seconds)

    def vip_holder(self):
        """The name of the control plane that has the VIP on its interface, or None."""
        for name in self.control_planes():
            listing = self.switch.inside("ip", "-oneline", "address", "show", "host0", machine=name)
            if f" {self.document['endpoint']['vip']}/" in listing.stdout:
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
        self.until(silence, seconds, pause=0.2)

    def kubectl(self, *arguments):
        """kubectl on a computer of the machines' network, with the kubeconfig for people."""
        return self.switch.inside(
            self.kubectl_binary, f"--kubeconfig={self.out}/kubeconfig", "--request-timeout=10s", *arguments)

    def objects(self, *what):
        """What `kubectl get` finds, and why it could not be asked."""
        answer = self.kubectl("get", *what, "--output=json")
        if answer.returncode:
            return [], f"kubectl: {answer.stderr.strip()}"
        return json.loads(answer.stdout)["items"], None

    def until(self, problem, seconds, pause=1):
        """Call `problem` until it returns nothing; what it returns is why we wait."""
        deadline = time.monotonic() + seconds
        while (reason := problem()):
            if time.monotonic() > deadline:
                raise Failed(f"{reason} (after {seconds} s)")
            self.sleep(pause)

    @staticmethod
    def sleep(seconds):
        if machine.interrupted.wait(seconds):
            raise Failed("interrupted")

    # What is shown.

    def say(self, text):
        print(f"{self._site} {time.monotonic() - self.started:6.1f} s  {text}", file=sys.stderr, flush=True)

    def _show_status(self):
        for name, each in self.machines.items():
            status = each.read(f"{STATE}/status.json")
            if status and status != self._shown.get(name):
                self._shown[name] = status
                self.say(f"{name}: {' '.join(status.split())}")

    def keep_logs(self, failed):
        """Write what each machine has to tell to its logs; print the ends when it failed."""
        for name, each in self.machines.items():
            logs = self.folder / "logs" / name
            logs.mkdir(parents=True, exist_ok=True)
            told = {
                "console": each.console.read_text(errors="replace") if each.console.exists() else "",
                "journal": each.journal("*"),
                "hagen-firstboot": each.journal("hagen-firstboot.service"),
                "status.json": each.read(f"{STATE}/status.json") or "",
                "cloud-init": each.read("/var/log/cloud-init.log") or "",
            }
            for log, text in told.items():
                (logs / log).write_text(text, encoding="utf-8")
            shutil.rmtree(logs / "pods", ignore_errors=True)
            if (pods := each.root / "var/log/pods").exists():
                shutil.copytree(pods, logs / "pods")
            if failed:
                for log in ("console", "hagen-firstboot", "status.json"):
                    end = told[log].splitlines()[-30:]
                    print(f"--- {name}: {log}", *end, sep="\n", file=sys.stderr)
