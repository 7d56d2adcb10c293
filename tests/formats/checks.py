"""The checks. Each says what is wrong, one sentence at a time; one that yields nothing has passed."""

import base64

import ignition
from bundle import load, parents
from debian import STAGES, Boot, Entry, Machine
from once import once

FIRST_BOOT = "hagen-firstboot.service"
MARK = "/var/lib/hagen/steps/10-verify.done"
# The document's users; and the image's own, where it names none.
SUDOERS = ("sudoers.d/90-hagen", "sudoers.d/90-cloud-init-users")


class Life:
    """What happens to one node's machine, boot by boot; nothing happens before somebody asks."""

    def __init__(self, release, base, baseline, bundle, folder):
        self.release, self.base, self.baseline, self.bundle, self.folder = release, base, baseline, bundle, folder
        folder.mkdir(parents=True)

    # What cloud-init writes for itself.
    own = ("/var/lib/cloud/", "/var/log/")

    def machine(self, name):
        return Machine(self.base, self.folder / name, self.bundle.folder, self.bundle.nic)

    @once
    def only(self):
        return self.machine("machine")

    @once
    def first(self):
        """The boot of a new machine."""
        return self.only.boot()

    @once
    def damage(self):
        """The machine is verified; later, while it is off, somebody meddles."""
        damaged = self.first and meddle(self.only, self.bundle)
        mark = self.only.upper / MARK.lstrip("/")
        mark.parent.mkdir(parents=True)
        mark.touch()
        return damaged, self.only.disk()

    @once
    def second(self):
        return self.damage and self.only.boot()

    @once
    def third(self):
        """The same machine, were it not yet verified."""
        if self.second:
            (self.only.upper / MARK.lstrip("/")).unlink()
        return self.only.boot()

    @once
    def cut(self):
        """A machine that lost power while cloud-init was writing, and its next boot."""
        machine = self.machine("cut")
        machine.boot(STAGES[:2])
        meddle(machine, self.bundle)
        (machine.upper / "etc/hostname").write_bytes(b"")
        for key in host_keys(machine):
            key.unlink()
        return machine.boot()


class Ignited(Life):
    """The same where Ignition delivers: once, before the first boot."""

    # Networks are files of the system's own; tests/formats/network looks at them.
    own = ("/etc/systemd/network", "/etc/NetworkManager")

    @once
    def first(self):
        machine = self.only
        layers = f"lowerdir={machine.base},upperdir={machine.upper},workdir={machine.folder}/work"
        said = ignition.apply(
            self.bundle.folder / "config.ign", machine.folder / "root",
            before=f'mount -t overlay overlay -o "{layers}" "$root"',
            # What systemd does at a first boot, for this unit alone.
            after=f'systemctl --quiet --root="$root" preset {FIRST_BOOT}')
        return Boot(machine.disk(), machine.folder, [said] if said else [], [])


def host_keys(machine):
    return sorted((machine.upper / "etc/ssh").glob("ssh_host_*"))


def meddle(machine, bundle):
    """Do to the files on a disk what a power cut may do, and more; the paths."""
    files = [path for path in bundle.written() if (machine.upper / path.lstrip("/")).exists()]
    damaged = []
    for number, path in enumerate(files[::2]):
        place = machine.upper / path.lstrip("/")
        match number % 4:
            case 0:
                place.unlink()
            case 1:
                place.write_bytes(b"")
            case 2:
                place.write_bytes(place.read_bytes()[:-1] + b"?")
            case 3:
                place.chmod(0o777)
        damaged.append(path)
    link = machine.upper / f"etc/systemd/system/multi-user.target.wants/{FIRST_BOOT}"
    link.unlink(missing_ok=True)
    return [*damaged, f"/{link.relative_to(machine.upper)}"]


# --- What the files say ---

def schema(life):
    """cloud-init's own schema has nothing to say to user-data, vendor-data and network-config"""
    machine = life.machine("schema")
    for name, kind in (("user-data", ()), ("vendor-data", ()), ("network-config", ("-t", "network-config"))):
        # 22.4 knows no schema but that of cloud-config.
        if kind and (life.release == "bookworm" or not life.bundle.network_config()):
            continue
        file = f"/var/lib/cloud/seed/nocloud/{name}"
        result = machine.enter("cloud-init", "schema", *kind, "--config-file", file)
        said = result.stdout.strip()
        if result.returncode or said not in (f"Valid cloud-config: {file}", f"Valid schema {file}"):
            yield f"{name}: {said or result.returncode}"


def values(life):
    """PyYAML reads back exactly the values meant"""
    bundle = life.bundle
    user, meta, vendor, network = (
        load(life.base, bundle.seed(name)) for name in ("user-data", "meta-data", "vendor-data", "network-config"))
    accounts = [
        {"name": account["name"], "shell": "/bin/bash", "lock_passwd": True,
         "ssh_authorized_keys": account["sshAuthorizedKeys"]}
        for account in bundle.document.get("users", [])
    ]
    meant = {
        "hostname": bundle.name, "prefer_fqdn_over_hostname": False, "manage_etc_hosts": False,
        "runcmd": [f"systemctl daemon-reload && systemctl enable --now --no-block {FIRST_BOOT}"],
    } | ({"users": accounts} if accounts else {})
    yield from differences("user-data", {key: user[key] for key in user if key not in ("bootcmd", "write_files")}, meant)
    identity = {"instance-id": f"hagen-{bundle.document['name']}-{bundle.name}", "local-hostname": bundle.name}
    yield from differences("meta-data", meta, identity)
    yield from differences("vendor-data", vendor, {})
    yield from differences("network-config", network, bundle.network_config())

    written = {}
    for item in user["write_files"]:
        content = item["content"]
        if not all(isinstance(item[key], str) for key in ("path", "content", "permissions", "owner")):
            yield f"{item['path']}: not all text: {item}"
            continue
        decoded = base64.b64decode(content) if item.get("encoding") == "b64" else content.encode()
        written[item["path"]] = Entry("file", int(item["permissions"], 8), item["owner"], decoded)
        homes = tuple(f"/home/{account['name']}/" for account in accounts)
        if item.get("defer", False) != (item["owner"] != "root:root" or item["path"].startswith(homes)):
            yield f"{item['path']} of {item['owner']} has defer: {item.get('defer', False)}"
    yield from differences("write_files", written, bundle.written())
    declared = bundle.declared_files()
    yield from differences("files", {path: written.get(path) for path in declared}, declared)


def netplan(life):
    """netplan accepts network-config, and what cloud-init makes of it says the same"""
    bundle, machine = life.bundle, life.machine("netplan")
    meant = bundle.network_config()
    made = life.first.disk.get("/etc/netplan/50-cloud-init.yaml")
    if not meant:
        # cloud-init then has its own idea of a network: DHCP on the first NIC. Images without a network need it.
        yield from differences("network-config", bundle.seed("network-config"), b"")
        (ethernet,) = load(life.base, made.content)["network"]["ethernets"].values()
        yield from differences("/etc/netplan", ethernet["dhcp4"], True)
        return
    wrapped = "network:\n" + "".join(f"  {line}\n" for line in bundle.seed("network-config").decode().splitlines())
    # The mode at once, for netplan warns of a file that others may read.
    script = """
        umask 077
        mkdir -p /tmp/n/etc/netplan
        cat >/tmp/n/etc/netplan/1.yaml
        netplan generate --root-dir /tmp/n || exit
        cat /tmp/n/run/systemd/network/*.network
    """
    result = machine.enter("sh", "-c", script, input=wrapped)
    lines = [line for line in result.stdout.splitlines() if not line.startswith("Running in chroot")]
    (ethernet,) = meant["ethernets"].values()
    servers = ethernet.get("nameservers", {})
    want = [f"Address={ethernet['addresses'][0]}"]
    want += [f"Gateway={route['via']}" for route in ethernet.get("routes", [])]
    want += [f"DNS={server}" for server in servers.get("addresses", [])]
    want += [f"MTUBytes={ethernet['mtu']}"] if "mtu" in ethernet else []
    want += [f"Domains={' '.join(servers['search'])}"] if "search" in servers else []
    if result.returncode or lines[0] != "[Match]" or not set(want) <= set(lines):
        yield f"netplan generate: {' '.join(lines)} instead of {' '.join(want)}"
    # cloud-init's own writing leaves text unquoted that netplan takes as text and YAML 1.1 as a number.
    yield from differences("/etc/netplan", made and load(life.base, made.content, "BaseLoader"), text({"network": meant}))


# --- What becomes of a machine ---

def apply(life):
    """applying the bundle gives exactly the tree, and asks for the start of the first boot"""
    yield from exact(life, life.first)
    yield from started(life.first)


def ignite(life):
    """real Ignition gives exactly the tree, with the first boot enabled"""
    yield from life.first.errors
    yield from exact(life, life.first)


def validate(life):
    """ignition-validate has nothing to say"""
    said = ignition.validate(life.bundle.folder / "config.ign")
    if said:
        yield said


def users(life):
    """the accounts are those of the document"""
    files = {path: life.first.disk.get(f"/etc/{path}", Entry("nothing", 0, "", b"")).content.decode()
             for path in ("passwd", "shadow", *SUDOERS)}
    made = [line.split(":") for line in files["passwd"].splitlines() if 1000 <= int(line.split(":")[2]) < 60000]
    locked = {line.split(":")[0] for line in files["shadow"].splitlines() if line.split(":")[1][:1] in ("!", "*")}
    rules = {tuple(line.split(" ", 1)) for path in SUDOERS for line in files[path].splitlines()
             if line and not line.startswith("#")}
    images = [{"name": "debian", "sudo": True}] if life.bundle.format == "cloud-init" else []
    declared = life.bundle.document.get("users") or images
    yield from differences(
        "accounts", {(each[0], each[5], each[6]) for each in made},
        {(account["name"], f"/home/{account['name']}", "/bin/bash") for account in declared})
    yield from differences("locked", locked & {each[0] for each in made}, {account["name"] for account in declared})
    yield from differences(
        "sudoers", rules, {(account["name"], "ALL=(ALL) NOPASSWD:ALL") for account in declared if account.get("sudo")})
    for account in life.bundle.document.get("users", []):
        name, path = account["name"], f"/home/{account['name']}/.ssh/authorized_keys"
        made = life.first.disk.get(path)
        yield from differences("keys", made and (made.mode, made.owner), (0o600, f"{name}:{name}"))
        # cloud-init goes through them in an order of its own.
        yield from differences(
            "keys", made and sorted(made.content.decode().splitlines()), sorted(account["sshAuthorizedKeys"]))


def silent(life):
    """cloud-init has no error, no warning and no traceback to report"""
    boot = life.first
    yield from boot.errors
    status = (boot.run / "status").read_text().strip()
    if not status.startswith("status: done"):
        yield status
    log = boot.disk["/var/log/cloud-init.log"].content.decode(errors="replace")
    for line in log.splitlines():
        if any(word in line for word in ("[WARNING]", "[ERROR]", "[CRITICAL]", "[DEPRECATED]", "Traceback")):
            yield line


def secrets(life):
    """no log, and no file that others may read, holds a secret of the bundle"""
    known = {secret.encode() for secret in life.bundle.secrets()}
    if len(known) < 3:
        yield f"only {len(known)} secrets are known: the check is blind"
    places = {path: entry for path, entry in life.first.disk.items() if entry.kind == "file"}
    for path in life.first.run.rglob("*"):
        if path.is_file():
            places[f"/run/{path.relative_to(life.first.run)}"] = Entry(
                "file", path.stat().st_mode & 0o777, "", path.read_bytes())
    for path, entry in places.items():
        if (entry.mode & 0o077 or path.startswith("/var/log/")) and any(secret in entry.content for secret in known):
            yield f"{path} ({entry.mode:04o}) holds a secret"
    if not any(secret in entry.content for entry in places.values() for secret in known):
        yield "no file holds a secret: the check is blind"


def again(life):
    """the next boot of a verified machine changes nothing and starts nothing"""
    damaged, before = life.damage
    after = life.second.disk
    for path in sorted({*before, *after} - set(damaged)):
        if not path.startswith(life.own):
            yield from untouched(path, before.get(path), after.get(path))
    yield from (call for call in life.second.calls if "hagen" in call)
    yield from life.second.errors


def kept(life):
    """what was changed on a verified machine stays as it was left"""
    damaged, before = life.damage
    for path in damaged:
        yield from untouched(path, before.get(path), life.second.disk.get(path))


def repair(life):
    """on a machine that is not yet verified every boot delivers the whole bundle again"""
    yield from exact(life, life.third)
    yield from started(life.third)
    yield from life.third.errors


def cut(life):
    """a power cut in the middle of writing leaves nothing that the next boot does not mend"""
    yield from exact(life, life.cut)
    yield from started(life.cut)
    before, after = (
        sorted(path for path in disk if path.startswith("/etc/ssh/ssh_host_"))
        for disk in (life.first.disk, life.cut.disk))
    if not before or before != after:
        yield f"host keys are {after} instead of {before}"
    yield from life.cut.errors


CHECKS = {check.__name__: check for check in (
    schema, values, netplan, apply, users, silent, secrets, again, kept, repair, cut)}
IGNITION_CHECKS = {check.__name__: check for check in (validate, ignite, users, secrets)}


# --- How to look ---

def differences(title, have, want):
    if isinstance(have, dict) and isinstance(want, dict):
        for key in sorted({*have, *want}):
            if key not in have or key not in want or have[key] != want[key]:
                yield f"{title}: {key}: {have.get(key)} instead of {want.get(key)}"
    elif have != want:
        yield f"{title}: {have} instead of {want}"


def text(value):
    """The same value as a reader sees it to whom everything is text."""
    if isinstance(value, dict):
        return {key: text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [text(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def untouched(path, before, after):
    if before != after:
        yield f"{path}: {before} became {after}"
    elif before and before.when != after.when:
        yield f"{path} was written again"


def exact(life, boot):
    """Whether a disk holds the tree, and besides it only what any machine with cloud-init has."""
    tree, disk = life.bundle.tree(), boot.disk
    above = {folder for path in tree for folder in parents(path)} - set(tree)
    yield from differences("", {path: disk.get(path) for path in tree}, tree)
    homes = {f"/home/{user['name']}": user["name"] for user in life.bundle.document.get("users", [])}
    for folder in sorted(above - set(homes)):
        mode, owner = life.only.original(folder), "root:root"
        yield from differences("", {folder: disk.get(folder)}, {folder: Entry("folder", mode or 0o755, owner, b"")})
    for folder, user in homes.items():
        # Its mode is useradd's; files of root's in it must not make it root's.
        yield from differences("", {folder: disk[folder].owner}, {folder: f"{user}:{user}"})
    above |= {folder for home in homes for folder in parents(home)}
    for path in sorted(set(disk) - set(tree) - above - life.baseline):
        if not path.startswith((*life.own, *homes)) and path not in parents(MARK):
            yield f"{path}: {disk[path]}, which nobody asked for"


def started(boot):
    """Whether systemd was asked for what it should be, once."""
    calls = [call for call in boot.calls if call == "daemon-reload" or "hagen" in call]
    yield from differences("systemctl", calls, ["daemon-reload", f"enable --now --no-block {FIRST_BOOT}"])


def baseline(base, folder):
    """The paths that cloud-init changes on a machine whose seed asks for nothing."""
    seed = folder / "seed"
    seed.mkdir(parents=True)
    (seed / "user-data").write_text("#cloud-config\n{}\n", encoding="utf-8")
    (seed / "meta-data").write_text("instance-id: baseline\nlocal-hostname: baseline\n", encoding="utf-8")
    machine = Machine(base, folder / "machine", seed, "eth0=52:54:00:0a:0b:0c")
    return set(machine.boot().disk)
