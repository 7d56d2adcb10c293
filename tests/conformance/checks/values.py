"""Every value reaches the program that reads it as the document means it."""

import base64
import hashlib
import json
import shlex

import yaml

import ignition
from bench import INIT, JOIN, complaints, place
from checks.existing import bracketed

CONFIGURATION = "etc/hagen/conformance.yaml"
SUMS = "/etc/hagen/SHA256SUMS"
NETWORKS = ("/etc/systemd/network/", "/etc/NetworkManager/system-connections/")
# Systems whose /usr is read-only; one of them is enough.
READ_ONLY = {"flatcar", "fedora-coreos", "rhel-coreos", "sle-micro"}
FLEX_VOLUMES = "/opt/libexec/kubernetes/kubelet-plugins/volume/exec/"
SETTINGS = ["apiServer", "controllerManager", "scheduler"]
MANIFESTS = {"apiServer": "kube-apiserver", "controllerManager": "kube-controller-manager", "scheduler": "kube-scheduler"}


def check(bench):
    for rendering in bench.renderings():
        for node in rendering.nodes:
            if node.config():
                yield f"{node} config.ign", config(node)
            else:
                yield f"{node} user-data as cloud-init reads it", user_data(node)
                yield f"{node} network-config", network_config(node)
            yield f"{node} every other YAML", documents(node)
            yield f"{node} as kubeadm reads it", migrated(node)
            root = node.copy()
            place(root, CONFIGURATION, node.init_configuration())
            (root / "etc/hagen/patches").mkdir()
            yield f"{node} kubelet", kubelet(node, root)
            if node.part != "worker":
                yield f"{node} arguments of Pods", arguments(node, root)


def unlike(what, found, meant):
    """Equal, and of the same kind all the way down: 1 is not "1", and not True."""
    same = json.dumps(found, sort_keys=True) == json.dumps(meant, sort_keys=True)
    return [] if same else [f"{what}: {found!r} instead of {meant!r}"]


def user_data(node):
    """cloud-init reads with PyYAML, and writes what the plain tree has."""
    text = (node.folder / "user-data").read_text(encoding="utf-8")
    problems = [] if text.startswith("#cloud-config\n") else ["no #cloud-config"]
    data = yaml.safe_load(text)
    meta = yaml.safe_load((node.folder / "meta-data").read_text(encoding="utf-8"))
    problems += unlike("hostname", data["hostname"], node.name) + unlike("local-hostname", meta["local-hostname"], node.name)
    problems += unlike("instance-id", meta["instance-id"], f"hagen-{node.rendering.document['name']}-{node.name}")
    users = [
        {"name": user["name"], "keys": user.get("sshAuthorizedKeys", [])}
        for user in node.rendering.document.get("users", [])
    ]
    found = [{"name": user["name"], "keys": user.get("ssh_authorized_keys", [])} for user in data.get("users", [])]
    problems += unlike("users", found, users)
    written = {}
    for entry in data["write_files"]:
        path, content = entry["path"], entry["content"]
        if path in written:
            problems.append(f"{path} is written twice")
        written[path] = base64.b64decode(content, validate=True) if entry.get("encoding") == "b64" else content.encode()
        on_disk = node.root / path.lstrip("/")
        if not isinstance(entry["permissions"], str) or int(entry["permissions"], 8) != on_disk.stat().st_mode & 0o7777:
            problems.append(f"{path} has permissions {entry['permissions']!r}")
    # cloud-init makes the host's name itself.
    tree = files(node, without={"hostname"})
    problems += [f"{path} differs from the tree" for path in unequal(tree, written)]
    return problems + declared_files(node, tree) + sums(tree) + sudoers(node, tree)


def files(node, without):
    """The bytes of every file of the tree but those with one of these names."""
    return {
        f"/{path.relative_to(node.root)}": path.read_bytes()
        for path in node.root.rglob("*") if path.is_file() and not path.is_symlink() and path.name not in without
    }


def config(node):
    """What Ignition writes is what the plain tree has; networks aside, which are not in it."""
    tree, written = files(node, without=set()), ignition.files(node.config())
    units = json.loads(node.config().read_text(encoding="utf-8"))["systemd"]["units"]
    written |= {f"/etc/systemd/system/{unit['name']}": unit["contents"].encode() for unit in units}
    networks = {path for path in written if path.startswith(NETWORKS)}
    network = bool({"mac", "interface", "network"} & node.declared.keys())
    problems = [] if bool(networks) == network else [f"networks are {sorted(networks)}"]
    meant = {path: content for path, content in written.items() if path not in networks}
    problems += [f"{path} differs from the tree" for path in unequal(tree, meant)]
    del tree["/etc/hostname"]
    return problems + declared_files(node, tree) + sums(tree) + sudoers(node, tree)


def sudoers(node, tree):
    """Who may become root."""
    administrators = [user["name"] for user in node.rendering.document.get("users", []) if user.get("sudo")]
    lines = tree.get("/etc/sudoers.d/90-hagen", b"").decode().splitlines()
    found = [line for line in lines if not line.startswith("#")]
    return unlike("sudoers", found, [f"{name} ALL=(ALL) NOPASSWD:ALL" for name in administrators])


def unequal(one, other):
    return [key for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)]


def sums(tree):
    """The list that the first step compares the machine with names every other file, with its digest."""
    listed = dict(line.split("  ", 1)[::-1] for line in tree[SUMS].decode().splitlines())
    actual = {path: hashlib.sha256(content).hexdigest() for path, content in tree.items() if path != SUMS}
    return [f"{SUMS} is wrong about {path}" for path in unequal(listed, actual)]


def declared_files(node, tree):
    """The document's own files, those of the node over those of the cluster."""
    declared = node.rendering.document.get("files", []) + node.declared.get("files", [])
    problems = []
    for path, file in {file["path"]: file for file in declared}.items():
        source = node.rendering.path.parent / file.get("source", "")
        meant = source.read_bytes() if "source" in file else file["content"].encode()
        if tree.get(path) != meant:
            problems.append(f"{path} is not what the document says")
    return problems


def network_config(node):
    found = yaml.safe_load((node.folder / "network-config").read_text(encoding="utf-8"))
    mac, interface = node.declared.get("mac"), node.declared.get("interface")
    if not mac and not interface:
        return unlike("network-config", found, None)
    network = node.rendering.document.get("network", {})
    meant = {"dhcp4": False, "dhcp6": False, "addresses": [node.declared["address"]]}
    if mac:
        meant["match"] = {"macaddress": mac}
    if mac and interface:
        meant["set-name"] = interface
    if "gateway" in network:
        meant["routes"] = [{"to": "::/0" if ":" in node.address else "0.0.0.0/0", "via": network["gateway"]}]
    if "nameservers" in network or "search" in network:
        servers = {"addresses": network.get("nameservers"), "search": network.get("search")}
        meant["nameservers"] = {key: value for key, value in servers.items() if value}
    if "mtu" in network:
        meant["mtu"] = network["mtu"]
    return unlike("network-config", found, {"version": 2, "ethernets": {interface or "node": meant}})


def documents(node):
    """What kubectl and the kubelet read: names, labels, environment and data are texts."""
    problems = []
    kinds = ("etc/hagen/*.yaml", "etc/hagen/*.conf", "etc/kubernetes/*.conf")
    for path in (path for kind in kinds for path in sorted(node.root.glob(kind))):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if not {"apiVersion", "kind"} <= document.keys():
                problems.append(f"{path.name} is no document")
            texts = [*document.get("metadata", {}).items(), *document.get("stringData", {}).items()]
            for container in document.get("spec", {}).get("containers", []):
                texts += [(variable["name"], variable.get("value", "")) for variable in container["env"]]
            problems += [f"{path.name} {field}: {value!r}" for field, value in texts if not isinstance(value, str)]
    return problems


def migrated(node):
    """kubeadm reads a file and writes all it understood: nothing of ours is lost or of another kind."""
    problems = []
    for path in (INIT, JOIN):
        if not (node.root / path).exists():
            continue
        process = node.kubeadm(node.root, "config", "migrate", "--old-config", f"/{path}")
        theirs = {document["kind"]: document for document in yaml.safe_load_all(process.stdout)}
        problems += complaints(process)
        if path == JOIN and not problems:
            registration = theirs["JoinConfiguration"]["nodeRegistration"]
            problems += unlike("taints", registration.get("taints") or [], taints(node))
        for ours in node.documents(path):
            # The kubelet's and kube-proxy's configurations are not in the answer.
            if ours["apiVersion"].startswith("kubeadm."):
                problems += lost(ours, theirs.get(ours["kind"]), ours["kind"])
    return problems


def taints(node):
    """None means kubeadm's own, an empty list none at all."""
    declared = node.declared.get("taints")
    if declared is None:
        own = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
        return [] if node.part == "worker" else own
    return declared


def lost(ours, theirs, where):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        # It leaves out what says nothing.
        told = {key: value for key, value in ours.items() if value not in ([], False)}
        return [problem for key in told for problem in lost(told[key], theirs.get(key), f"{where}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [problem for index, pair in enumerate(zip(ours, theirs)) for problem in lost(*pair, f"{where}[{index}]")]
    # `migrate` forgets this one; older files had it elsewhere (`util/config/common.go`, defaultMigrateMutators).
    if where == "InitConfiguration.timeouts.controlPlaneComponentHealthCheck":
        return []
    same = ours == theirs or duration(ours) is not None and duration(ours) == duration(theirs)
    return [] if same and type(ours) is type(theirs) else [f"{where}: kubeadm reads {theirs!r}, not {ours!r}"]


def duration(text):
    """Seconds in Go's 1h30m0s; none where the text is something else."""
    seconds, number = 0, ""
    for letter in str(text):
        if letter.isdigit():
            number += letter
        elif number and letter in "hms":
            seconds, number = seconds + int(number) * {"h": 3600, "m": 60, "s": 1}[letter], ""
        else:
            return None
    return None if number else seconds


def kubelet(node, root):
    """The kubelet's arguments and configuration that kubeadm would write."""
    process = node.kubeadm(root, "init", "phase", "kubelet-start", "--dry-run", "--config", f"/{CONFIGURATION}")
    if process.returncode:
        return complaints(process)
    dry_run, = (root / "etc/kubernetes/tmp").glob("kubeadm-init-dryrun*")
    line = (dry_run / "kubeadm-flags.env").read_text(encoding="utf-8").strip()
    words = shlex.split(line.removeprefix("KUBELET_KUBEADM_ARGS=").strip('"'))
    flags = dict(word.removeprefix("--").split("=", 1) for word in words)

    document = node.rendering.document["kubernetes"]
    labels = dict(node.declared.get("labels", {}))
    if node.part == "worker":
        labels |= {f"hagen.io/role.{role}": "" for role in ["worker", *node.declared.get("roles", [])]}
    meant = document.get("kubeletExtraArgs", {}) | node.declared.get("kubeletExtraArgs", {}) | {"node-ip": node.address}
    problems = unlike("labels", split(flags.pop("node-labels", "")), labels)
    problems += unlike("arguments", {key: flags.get(key) for key in meant}, meant)
    configuration = yaml.safe_load((dry_run / "config.yaml").read_text(encoding="utf-8"))
    fields = document.get("kubelet", {}) | ({"volumePluginDir": FLEX_VOLUMES} if read_only(node) else {})
    return problems + unlike("KubeletConfiguration", {key: configuration.get(key) for key in fields}, fields)


def read_only(node):
    document = node.rendering.document
    return bool(READ_ONLY & {document.get("os"), *(each.get("os") for each in document["nodes"])})


def split(text):
    return dict(word.split("=", 1) for word in text.split(",") if word)


def arguments(node, root):
    """Static Pods as kubeadm writes them from the bundle."""
    processes = [
        node.kubeadm(root, "init", "phase", *phase, "--config", f"/{CONFIGURATION}")
        for phase in (["control-plane", "all"], ["etcd", "local"])
    ]
    problems = [problem for process in processes for problem in complaints(process)]
    if problems:
        return problems
    document = node.rendering.document
    meant = {MANIFESTS[name]: document["kubernetes"].get(name, {}).get("extraArgs", {}) for name in SETTINGS}
    meant["etcd"] = document.get("etcd", {}).get("extraArgs", {})
    meant["kube-apiserver"] |= {"advertise-address": node.address, "secure-port": str(node.rendering.port())}
    if read_only(node) and int(node.rendering.version.split(".")[1]) < 36:
        meant["kube-controller-manager"] |= {"flex-volume-plugin-dir": FLEX_VOLUMES}
    meant["etcd"] |= {"name": node.name, "listen-peer-urls": f"https://{bracketed(node.address)}:2380"}
    for name, values in meant.items():
        pod = yaml.safe_load((root / f"etc/kubernetes/manifests/{name}.yaml").read_text(encoding="utf-8"))
        words = pod["spec"]["containers"][0]["command"]
        flags = dict(word.removeprefix("--").split("=", 1) for word in words[1:])
        problems += unlike(name, {key: flags.get(key) for key in values}, values)
    volumes = document["kubernetes"].get("apiServer", {}).get("extraVolumes", [])
    pod = yaml.safe_load((root / "etc/kubernetes/manifests/kube-apiserver.yaml").read_text(encoding="utf-8"))
    for volume in volumes:
        found = [entry for entry in pod["spec"]["volumes"] if entry["name"] == volume["name"]]
        problems += unlike("volumes", found, [
            {"hostPath": {"path": volume["hostPath"], "type": volume["pathType"]}, "name": volume["name"]}])
    return problems
