"""What create.sh, upload.sh and detach.sh do with a Proxmox node."""

import re
import shutil
import subprocess

from api import Api
from lab import DOCUMENT, OFFLINE, TOKEN, certificate, equal, machines, payload

VMIDS = ("8011", "8012", "8013", "300")


def shellcheck(lab):
    """shellcheck and bash accept the scripts, `machines` too."""
    folder = lab.out / "proxmox"
    scripts = sorted(folder.glob("*.sh"))
    yield from equal("scripts", [path.name for path in scripts], ["create.sh", "detach.sh", "hagen.sh", "upload.sh"])
    options = ["--norc", "--format=gcc", "--external-sources", "--source-path=SCRIPTDIR"]
    for command in (
        ["shellcheck", *options, *scripts],
        ["shellcheck", *options, "--shell=bash", folder / "machines"],
        *(["bash", "-n", path] for path in [*scripts, folder / "machines"]),
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        yield from (done.stdout + done.stderr).splitlines()


def usage(lab):
    """Each script explains itself, and names what it does not know."""
    for script in ("create.sh", "detach.sh", "upload.sh"):
        code, text, errors, _ = lab.call(script, "--help")
        yield from equal(f"{script} --help", (code, errors), (0, ""))
        if not text.startswith(f"usage: {script} [--apply]") or max(map(len, text.splitlines())) > 120:
            yield f"{script} --help: {text}"
        for word, said in (("--aply", "there is no option --aply"), ("cp9", "no machine is called cp9")):
            code, text, errors, commands = lab.call(script, word, "--apply")
            yield from equal(f"{script} {word}", (code, text, commands), (1, "", []))
            if not errors.startswith(f"{script}: {said}") or errors.count("\n") != 1:
                yield f"{script} {word}: {errors}"


def standin(lab):
    """The stand-in refuses what Proxmox would refuse."""
    lab.must("upload.sh", "--apply", "cp1")
    iso = f"local:iso/{lab.volumes()[0]}"
    wrong = [
        "qm create 99",
        "qm create 101 --cores 0",
        "qm create 101 --vcores 2",
        "qm create 101 --name a_b",
        "qm create 101 --net0 virtio=53:54:00:00:00:0B,bridge=vmbr0",
        "qm create 101 --net0 virtio=52:54:00:00:00:0B,vlan=3",
        "qm create 101 --net0 virtio=52:54:00:00:00:0B,tag=4095",
        "qm create 101 --scsi31 local-lvm:4",
        "qm create 101 --scsi0 local-lvm:4,import-from=local:import/debian-13.qcow2",
        "qm create 101 --memory 4GiB",
        "qm create 101 --scsi0 local-lvm:0,import-from=local:import/no.qcow2",
        "qm create 101 --boot order=scsi0,scsi1",
        "qm create 101 --scsi1 local:iso/no.iso,media=cdrom",
        "qm create 101 --serial0 pty",
        "qm create 101 --cores",
        "qm set 102 --cores 2",
        "qm disk resize 101 scsi0 4GiB",
        "qm disk resize 101 scsi0",
        "qm destroy 101",
        "pvesm path local:../../etc/shadow",
        "pvesm path nas:iso/a.iso",
        "pvesm list local --contents iso",
        "pvesm status --storage nas --content iso",
        "pvesm status --storage local --content images",
        "pvesm status local",
        "pvesm set local --content iso,isos",
        "pvesh get /storage/local --content iso",
        "pvesh get /cluster/nextid --type vm",
    ]
    for line in wrong:
        done = subprocess.run(line.split(), env=lab.environment, capture_output=True, text=True, check=False)
        if not done.returncode or not done.stderr:
            yield f"accepted: {line}"
    good = f"qm create 101 --name=a.b --net0 virtio=52:54:00:00:00:0B,bridge=vmbr0 -scsi1 {iso},media=cdrom"
    done = subprocess.run(good.split(), env=lab.environment, capture_output=True, text=True, check=False)
    yield from equal(good, (done.returncode, done.stderr), (0, ""))


# create.sh.


def dry(lab):
    """Without --apply, create.sh prints the commands and runs none."""
    code, text, errors, commands = lab.call("create.sh", "--start")
    yield from equal("create.sh --start", (code, errors, commands, lab.volumes()), (0, "", [], []))
    for line in ("qm create 8011 --name cp1.homelab ", "qm disk resize 8011 scsi0 32G", "qm start 300"):
        if f"\n{line}" not in text:
            yield f"does not say {line}: {text}"
    if not re.search(
        r"^install -D -m 0600 \S+/nodes/cp1/seed.iso \S+/iso/hagen-cp1.homelab-[0-9a-f]{12}.iso.pve.part$", text, re.M
    ):
        yield f"does not say where seeds go: {text}"


def create(lab):
    """create.sh makes every machine, with its seed in the drive; a second run finds nothing to do."""
    commands = lab.must("create.sh", "--apply")
    expected = [word for vmid in ("8011", "8012", "8013") for word in (f"qm create {vmid}", f"qm disk resize {vmid}")]
    yield from equal(
        "commands",
        [" ".join(line.split()[: 3 if "create" in line else 4]) for line in commands],
        [*expected, "qm create 300"],
    )
    config = lab.config("300")
    machine = machines(lab)["w1"]
    seed = (lab.out / "nodes/w1/seed.iso").stat().st_size
    for key, value in {
        "name": "w1.homelab",
        "cores": "8",
        "memory": "4096",
        "agent": "enabled=1",
        "boot": "order=scsi0",
        "ostype": "l26",
        "net0": f"virtio={machine['mac'].upper()},bridge=vmbr0,tag=20",
        "scsihw": "virtio-scsi-single",
        "serial0": "socket",
        # Larger than the document's 2 GiB, for the image is.
        "scsi0": "local-lvm:vm-300-disk-0,discard=on,iothread=1,size=3G",
        "scsi1": f"local:iso/{machine['iso']},media=cdrom,size={seed // 1024}K",
    }.items():
        yield from equal(key, config.get(key), value)
    yield from equal("disk of cp1", lab.config("8011")["scsi0"][-9:], ",size=32G")
    yield from equal(
        "cloud-init drives",
        [c for vm in lab.state["vms"].values() for c in vm["config"].values() if "cloudinit" in c],
        [],
    )
    yield from equal("mode of a seed", oct((lab.proxmox / "pve/iso" / machine["iso"]).stat().st_mode & 0o777), "0o600")
    yield from nothing_to_do(lab)
    yield from equal(
        "start", lab.must("create.sh", "--apply", "--start"), [f"qm start {vmid}" for vmid in (8011, 8012, 8013, 300)]
    )
    yield from equal("start again", lab.must("create.sh", "--apply", "--start"), [])
    yield from nothing_to_do(lab)


def nothing_to_do(lab):
    for words in ([], ["--apply"]):
        yield from equal(f"a second {words}", lab.call("create.sh", *words), (0, "", "", []))


def change(lab):
    """Of a machine that is there, create.sh changes what the document changed, and nothing else."""
    lab.must("create.sh", "--apply", "--start")
    before = lab.state
    old = DOCUMENT.replace("proxmox: {vmidBase", "proxmox: {cores: 4, memory: 8192, disk: 48, bridge: vmbr1, vmidBase")
    lab.render(old)
    code, text, errors, commands = lab.call("create.sh", "--apply", "cp2")
    mac = machines(lab)["cp2"]["mac"].upper()
    yield from equal(
        "changes",
        (code, errors, commands),
        (
            0,
            "",
            [f"qm set 8012 --cores 4 --memory 8192 --net0 virtio={mac},bridge=vmbr1", "qm disk resize 8012 scsi0 48G"],
        ),
    )
    if "# cp2.homelab is running: what cannot be changed while it is counts from its next start" not in text:
        yield f"says nothing of the next start: {text}"
    before["vms"]["8012"]["config"] = lab.config("8012")
    yield from equal("others", lab.state, before)
    # What somebody did by hand stays, where the document says nothing of it.
    by_hand = {
        "net0": f"virtio={mac},bridge=vmbr1,firewall=1,host-tunnel=1,tag=9",
        "cpu": "host",
        "tags": "prod",
        "onboot": "0",
        "boot": "order=scsi0;net0",
        "description": "name: other%0Acores: 1",
    }
    lab.change(lambda state: state["vms"]["8012"]["config"].update(by_hand))
    code, text, errors, _ = lab.call("create.sh", "cp2")
    yield from equal(
        "by hand",
        (code, text.splitlines()[0], errors),
        (0, f"qm set 8012 --net0 virtio={mac},bridge=vmbr1,firewall=1,host-tunnel=1", ""),
    )


def smaller(lab):
    """No disk is made smaller."""
    lab.must("create.sh", "--apply")
    lab.render(DOCUMENT.replace("vmidBase", "disk: 16, vmidBase"))
    yield from nothing_to_do(lab)


def seeds(lab):
    """Another render changes the medium, under another name; a machine whose seed was taken out stays without."""
    lab.must("create.sh", "--apply")
    old = lab.volumes()
    lab.render(DOCUMENT, seed="two")
    names = {
        vmid: machines(lab)[node]["iso"] for node, vmid in (("cp1", 8011), ("cp2", 8012), ("cp3", 8013), ("w1", 300))
    }
    yield from equal(
        "new seeds",
        lab.must("create.sh", "--apply"),
        [f"qm set {vmid} --scsi1 local:iso/{names[vmid]},media=cdrom" for vmid in names],
    )
    yield from equal("volumes", lab.volumes(), sorted([*old, *names.values()]))
    yield from equal("boot order", lab.config("8011")["boot"], "order=scsi0;scsi1")
    yield from nothing_to_do(lab)
    lab.must("detach.sh", "--apply", "--yes")
    yield from equal("volumes after", lab.volumes(), [])
    yield from nothing_to_do(lab)
    yield from equal(
        "attached again",
        lab.must("create.sh", "--apply", "--attach", "cp2"),
        [f"qm set 8012 --scsi1 local:iso/{names[8012]},media=cdrom"],
    )
    yield from equal("volumes then", lab.volumes(), [names[8012]])
    # Somebody's own CD is none of ours.
    lab.change(lambda state: state["vms"]["8011"]["config"].update(scsi1="local:iso/rescue.iso,media=cdrom,size=1G"))
    code, text, _, commands = lab.call("create.sh", "--apply", "--attach", "cp1")
    yield from equal(
        "another CD",
        (code, text, commands),
        (0, "# scsi1 of cp1.homelab is local:iso/rescue.iso, and left alone\n", []),
    )


def payloads(lab):
    """payload.iso is in a second drive of every machine; another one takes its place, a foreign drive is left alone."""
    lab.render(OFFLINE, payload="one")
    old = payload(lab)
    code, text, errors, _ = lab.call("create.sh")
    yield from equal("dry", (code, errors, lab.volumes(), text.count("/payload.iso ")), (0, "", [], 1))
    lab.must("create.sh", "--apply")
    yield from equal("drives", lab.drives("scsi2"), dict.fromkeys(VMIDS, f"local:iso/{old}"))
    size = (lab.out / "payload.iso").stat().st_size
    yield from equal("a drive", lab.config("300")["scsi2"], f"local:iso/{old},media=cdrom,size={size // 1024}K")
    yield from equal("volumes", lab.volumes(), sorted([old, *(machine["iso"] for machine in machines(lab).values())]))
    yield from equal("same bytes", (lab.proxmox / "pve/iso" / old).read_bytes(), (lab.out / "payload.iso").read_bytes())
    yield from nothing_to_do(lab)
    # Without --payload, what the drives read is nobody's business.
    lab.render(OFFLINE)
    yield from nothing_to_do(lab)

    # The seeds are in no drive any more, and do not come back into the storage.
    lab.must("detach.sh", "--apply", "--yes", "cp1")
    lab.change(lambda state: state["vms"]["8011"]["config"].update(scsi2=f"local:iso/{old},media=cdrom,size=1M"))
    rescue = "local:iso/rescue.iso,media=cdrom,size=1G"
    lab.change(lambda state: state["vms"]["8012"]["config"].update(scsi2=rescue))
    lab.change(lambda state: state["vms"]["8013"]["config"].pop("scsi2"))
    lab.render(OFFLINE, payload="two")
    new = payload(lab)
    code, text, errors, commands = lab.call("create.sh", "--apply")
    changed = [f"qm set {vmid} --scsi2 local:iso/{new},media=cdrom" for vmid in (8011, 8013, 300)]
    yield from equal("another", (new == old, code, errors, commands), (False, 0, "", changed))
    yield from equal("copied", text.count("install "), 1)
    if "# scsi2 of cp2.homelab is local:iso/rescue.iso, and left alone\n" not in text:
        yield f"says nothing of somebody's own: {text}"
    brought = [name for name in lab.volumes() if "cp1" in name or "payload" in name]
    yield from equal("volumes then", brought, sorted([old, new]))


def frees(lab):
    """The payload leaves each drive with the seed, and the storage with the last drive; --attach brings it back."""
    lab.render(OFFLINE, payload="one")
    lab.must("create.sh", "--apply")
    lab.render(OFFLINE, payload="two")
    lab.must("create.sh", "--apply", "--start")
    lab.change(lambda state: state["vms"]["300"]["config"].update(scsi2="local:iso/rescue.iso,media=cdrom,size=1G"))
    name = payload(lab)
    code, text, errors, commands = lab.call("detach.sh", "--apply", "--yes", "cp1", "cp2", "w1")
    sets = [line for line in commands if "qm set" in line]
    expected = [f"qm set {vmid} --scsi1 none,media=cdrom --scsi2 none,media=cdrom" for vmid in (8011, 8012)]
    yield from equal("three", (code, errors, sets), (0, "", [*expected, "qm set 300 --scsi1 none,media=cdrom"]))
    yield from equal("theirs", lab.drives("scsi2")["300"], "local:iso/rescue.iso")
    yield from equal("payloads", sum("payload" in volume for volume in lab.volumes()), 2)
    if "# the payload stays in local for cp3.homelab\n" not in text:
        yield f"does not say for whom: {text}"
    note = "# scsi2 of w1.homelab is local:iso/rescue.iso, and left alone\n"
    yield from equal("create.sh then", lab.call("create.sh", "--apply"), (0, note, "", []))
    # cp3 is not complete.
    code, _, errors, commands = lab.call("detach.sh", "--apply")
    yield from equal("cp3", (code, errors.count("\n"), commands), (1, 1, []))
    # Without its own --payload, too; and what is only said is what is done then.
    lab.render(OFFLINE)
    code, text, errors, _ = lab.call("detach.sh", "--yes")
    commands = lab.must("detach.sh", "--apply", "--yes")
    yield from equal("dry", (code, text.splitlines(), errors), (0, commands, ""))
    yield from equal("frees", sum("pvesm free local:iso/hagen-homelab-payload-" in line for line in commands), 2)
    yield from equal("volumes", lab.volumes(), [])
    yield from equal("again", lab.call("detach.sh", "--apply"), (0, "", "", []))
    lab.render(OFFLINE, payload="two")
    yield from equal("stays without", lab.call("create.sh", "--apply"), (0, note, "", []))
    lab.must("create.sh", "--apply", "--attach", "cp2")
    there = {"8011": "none", "8012": f"local:iso/{name}", "8013": "none", "300": "local:iso/rescue.iso"}
    yield from equal("attached", lab.drives("scsi2"), there)

    # A drive of another Proxmox node's machine counts.
    migrate(lab, "8013")
    lab.change(lambda state: state["vms"]["8013"]["config"].update(scsi2=f"local:iso/{name},media=cdrom"))
    lab.render(OFFLINE.replace("10.9.0.13/24", "10.9.0.13/24, proxmox: {host: pve2}"), payload="two")
    code, text, errors, _ = lab.call("detach.sh", "--apply", "--yes")
    yield from equal("elsewhere", (code, errors, lab.volumes()), (0, "", [name]))
    if "# the payload stays in local for cp3.homelab\n" not in text:
        yield f"does not say who is elsewhere: {text}"
    lab.must("detach.sh", "--apply", "--yes", HOSTNAME="pve2")
    lab.must("detach.sh", "--apply", "--yes")
    yield from equal("all of them", lab.volumes(), [])


def machine(config):
    """One that runs on the Proxmox node pve."""
    return {"node": "pve", "config": config, "running": True}


def foreign(lab):
    """A VMID that is somebody else's stops create.sh before anything is done, with one sentence."""
    mail = {"node": "pve2", "config": {"hostname": "mail"}, "running": True}
    cases = {
        "8012": (
            lambda state: state["vms"].update({"8012": machine({"name": "mail"})}),
            "create.sh: VM 8012 is mail, not cp2.homelab; give cp2 another vmid\n",
        ),
        "elsewhere": (
            lambda state: state.update(vms={"300": mail}),
            "create.sh: VM 300 on pve2 is mail, not w1.homelab; give w1 another vmid\n",
        ),
        "cut": (
            lambda state: state.update(vms={"8011": machine({"lock": "create"})}),
            "create.sh: VM 8011 is what an interrupted qm create left; "
            "remove it with: qm unlock 8011 && qm destroy 8011 --destroy-unreferenced-disks 1\n",
        ),
    }
    for name, (happens, sentence) in cases.items():
        lab.change(happens)
        before = lab.state
        code, text, errors, commands = lab.call("create.sh", "--apply", "--start")
        yield from equal(name, (code, text, errors, commands, lab.state), (1, "", sentence, [], before))
        yield from equal(f"{name}: volumes", lab.volumes(), [])
    lab.change(lambda state: state.update(vms={"8012": machine({"name": "mail"})}))
    yield from equal("the others alone", len(lab.must("create.sh", "--apply", "cp1", "cp3")), 4)
    code, _, errors, commands = lab.call("detach.sh", "--apply", "--yes", "cp2")
    yield from equal("detach.sh", (code, errors, commands), (1, "detach.sh: VM 8012 is mail, not cp2.homelab\n", []))


def hosts(lab):
    """Each Proxmox node makes its own machines."""
    lab.render(
        DOCUMENT.replace("10.9.0.12/24", "10.9.0.12/24, proxmox: {host: pve2}").replace(
            "vmidBase", "host: pve, vmidBase"
        )
    )
    code, text, errors, commands = lab.call("create.sh", "--apply", HOSTNAME="pve2")
    yield from equal(
        "pve2", (code, errors, [line.split()[2] for line in commands if "create" in line]), (0, "", ["8012"])
    )
    seeds_there = [name[:9] for name in lab.volumes("pve2")]
    yield from equal("its seeds", (lab.volumes(), seeds_there), ([], ["hagen-cp2"]))
    if "# cp1.homelab is a machine of pve: run create.sh there\n" not in text:
        yield f"does not name the others: {text}"
    commands = lab.must("create.sh", "--apply")
    yield from equal("pve", [line.split()[2] for line in commands if "create" in line], ["8011", "8013", "300"])


def variables(lab):
    """The environment replaces names of storages, bridge and image."""
    lab.change(lambda state: state["images"].update({"/root/it is.qcow2": "1G"}))
    lab.must("create.sh", "--apply", "cp1", STORAGE="tank", BRIDGE="vmbr7", IMAGE="/root/it is.qcow2")
    config = lab.config("8011")
    yield from equal("storage", config["scsi0"], "tank:vm-8011-disk-0,discard=on,iothread=1,size=32G")
    yield from equal("bridge", config["net0"].split(",")[1], "bridge=vmbr7")
    code, _, errors, _ = lab.call("create.sh", "--apply", "cp2", ISO_STORAGE="nas")
    said = "create.sh: storage nas takes no ISO images here; it must be active in `pvesm status --content iso`\n"
    yield from equal("nas", (code, errors), (1, said))
    lab.render(DOCUMENT.replace(', image: "local:import/debian-13.qcow2"', ""))
    code, _, errors, commands = lab.call("create.sh", "--apply")
    yield from equal(
        "no image",
        (code, errors, commands),
        (
            1,
            "create.sh: cp2.homelab has no image to copy its disk from; "
            "name one with IMAGE or the document's proxmox.image\n",
            [],
        ),
    )


def place(lab):
    """Away from Proxmox, or not as root, the scripts say so."""
    for name in ("qm", "pvesm", "pvesh"):
        (lab.bin / name).unlink()
    for script in ("create.sh", "detach.sh", "upload.sh"):
        yield from equal(
            script, lab.call(script), (1, "", f"{script}: there is no qm here; run this on a Proxmox node\n", [])
        )


# upload.sh.


def copy(lab):
    """On the node, upload.sh copies what is not there, or damaged, and only what `machines` means."""
    code, text, errors, _ = lab.call("upload.sh")
    yield from equal("dry", (code, errors, lab.volumes(), text.count("\n")), (0, "", [], 12))
    lab.must("upload.sh", "--apply")
    yield from equal("volumes", lab.volumes(), sorted(machine["iso"] for machine in machines(lab).values()))
    yield from equal("again", lab.call("upload.sh", "--apply"), (0, "", "", []))
    # As one that came by the API.
    seed = lab.proxmox / "pve/iso" / lab.volumes()[0]
    seed.chmod(0o644)
    yield from equal("open", lab.call("upload.sh", "--apply"), (0, f"chmod 0600 {seed}\n", "", []))
    yield from equal("closed", oct(seed.stat().st_mode & 0o777), "0o600")
    seed.write_text("half of it", encoding="utf-8")
    code, text, _, _ = lab.call("upload.sh", "--apply")
    yield from equal("damaged", (code, text.count("install ")), (0, 1))
    shutil.rmtree(lab.out / "nodes/cp1")
    yield from equal("already there", lab.call("upload.sh", "--apply"), (0, "", "", []))
    (lab.out / "nodes/cp2/seed.iso").write_text("of another render", encoding="utf-8")
    (lab.proxmox / "pve/iso" / machines(lab)["cp2"]["iso"]).unlink()
    code, _, errors, _ = lab.call("upload.sh", "--apply")
    yield from equal(
        "another",
        (code, errors),
        (1, "upload.sh: nodes/cp2/seed.iso of cp2.homelab is not the one that `machines` means; render again\n"),
    )


def payload_copy(lab):
    """upload.sh copies the payload once, and only the one that `machines` means."""
    lab.render(OFFLINE, payload="one")
    code, text, errors, _ = lab.call("upload.sh")
    yield from equal("dry", (code, errors, text.count("/payload.iso ")), (0, "", 1))
    lab.must("upload.sh", "--apply", "cp1")
    lab.must("upload.sh", "--apply")
    yield from equal("volumes", (len(lab.volumes()), payload(lab) in lab.volumes()), (5, True))
    yield from equal("again", lab.call("upload.sh", "--apply"), (0, "", "", []))
    (lab.proxmox / "pve/iso" / payload(lab)).unlink()
    (lab.out / "payload.iso").write_text("of another render", encoding="utf-8")
    code, _, errors, _ = lab.call("upload.sh", "--apply")
    said = "upload.sh: payload.iso of cp1.homelab is not the one that `machines` means; render again\n"
    yield from equal("another", (code, errors), (1, said))


def payload_api(lab):
    """By the API, the payload is sent once to each Proxmox node's storage."""
    lab.render(OFFLINE, payload="one")
    pem = certificate(lab.folder, "localhost")
    api = Api(lab.proxmox, TOKEN, pem)
    words = ["--api", api.url, "--host", "pve", "--token-file", "-"]

    def send(*more):
        return lab.call("upload.sh", *words, *more, stdin=TOKEN, CURL_CA_BUNDLE=f"{pem}.crt")

    code, text, errors, _ = send()
    notes = text.count(f"# payload.iso goes to local:iso/{payload(lab)} on pve\n")
    yield from equal("dry", (code, errors, api.uploads, notes), (0, "", [], 1))
    code, _, errors, _ = send("--apply", "cp1", "cp2")
    names = [machines(lab)[name]["iso"] for name in ("cp1", "cp2")]
    yield from equal("sent", (code, errors, api.uploads), (0, "", [names[0], payload(lab), names[1]]))
    there = lab.proxmox / "pve/iso" / payload(lab)
    yield from equal("same", there.read_bytes(), (lab.out / "payload.iso").read_bytes())
    yield from equal("the others", (send("--apply")[0], api.uploads.count(payload(lab)), len(api.uploads)), (0, 1, 5))
    yield from equal("again", send("--apply"), (0, "", "", []))
    # Another Proxmox node's storage is another one.
    lab.render(OFFLINE.replace("10.9.0.13/24", "10.9.0.13/24, proxmox: {host: pve2}"), seed="two", payload="two")
    text = send()[1]
    yield from equal("two nodes", [f"{payload(lab)} on {host}\n" in text for host in ("pve", "pve2")], [True, True])
    yield from api.wrong


def values(lab):
    """An option without its value is named."""
    for option in ("--api", "--token-file", "--host"):
        for words in ([option], [option, ""]):
            found = lab.call("upload.sh", "--apply", *words)
            yield from equal(f"{words}", found, (1, "", f"upload.sh: {option} wants a value; --help says which\n", []))


def upload(lab):
    """By the API, with the token in a pipe: what is there is not sent again, and the checksum is PVE's to check."""
    pem = certificate(lab.folder, "localhost")
    api = Api(lab.proxmox, TOKEN, pem)
    (lab.folder / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    for name in ("qm", "pvesm", "pvesh"):
        (lab.bin / name).unlink()
    trust = {"CURL_CA_BUNDLE": f"{pem}.crt"}
    words = ["--api", api.url, "--host", "pve", "--token-file"]

    code, text, errors, _ = lab.call("upload.sh", *words, str(lab.folder / "token"), **trust)
    yield from equal("dry", (code, errors, lab.volumes(), text.count(" goes to local:iso/hagen-")), (0, "", [], 4))
    code, _, errors, _ = lab.call("upload.sh", *words, str(lab.folder / "token"), "--apply", "cp1", **trust)
    yield from equal("from a file", (code, errors, api.uploads), (0, "", [machines(lab)["cp1"]["iso"]]))
    code, _, errors, _ = lab.call("upload.sh", *words, "-", "--apply", stdin=TOKEN, **trust)
    names = [machine["iso"] for machine in machines(lab).values()]
    yield from equal("from a pipe", (code, errors, api.uploads), (0, "", names))
    for name, machine in machines(lab).items():
        seed = (lab.out / "nodes" / name / "seed.iso").read_bytes()
        yield from equal(f"seed of {name}", (lab.proxmox / "pve/iso" / machine["iso"]).read_bytes() == seed, True)
    yield from equal("again", lab.call("upload.sh", *words, "-", "--apply", stdin=TOKEN, **trust), (0, "", "", []))
    yield from equal("nothing sent again", len(api.uploads), 4)
    (lab.proxmox / "pve/iso" / names[2]).write_text("half of it", encoding="utf-8")
    code, _, _, _ = lab.call("upload.sh", *words, "-", "--apply", stdin=TOKEN, **trust)
    yield from equal("half of it", (code, api.uploads[4:]), (0, [names[2]]))

    # The task is the asked node's, whose storage it may be.
    lab.render(DOCUMENT.replace("10.9.0.12/24", "10.9.0.12/24, proxmox: {host: pve2}"), seed="one")
    code, _, errors, _ = lab.call("upload.sh", *words, "-", "--apply", stdin=TOKEN, **trust)
    yield from equal("pve2", (code, errors, lab.volumes("pve2")), (0, "", [machines(lab)["cp2"]["iso"]]))

    (lab.proxmox / "pve/iso" / names[0]).unlink()
    api.verdict = "checksum mismatch: got 'a' != expect 'b'"
    code, _, errors, _ = lab.call("upload.sh", *words, "-", "--apply", stdin=TOKEN, **trust)
    yield from equal("mismatch", (code, errors), (1, f"upload.sh: PVE did not take {names[0]}: {api.verdict}\n"))
    yield from api.wrong
    for what, sentence, more, stdin, variables in [
        ("another token", "refuses: .*401", [*words, "-"], TOKEN.replace("hagen@", "other@"), trust),
        ("a certificate that nobody knows", "refuses: .*certificate", [*words, "-"], TOKEN, {"CURL_CA_BUNDLE": ""}),
        ("no token", "- does not hold USER@REALM!NAME=SECRET|/dev/stdin does not hold", [*words, "-"], "secret", trust),
        ("no token file", "--api wants --token-file", words[:2], "", trust),
        ("no host", "which Proxmox node is cp1.homelab on?", [*words[:2], words[4], "-"], TOKEN, trust),
    ]:
        code, text, errors, _ = lab.call("upload.sh", *more, "--apply", stdin=stdin, **variables)
        if code != 1 or text or not re.match(f"upload.sh: .*({sentence})", errors) or TOKEN in errors:
            yield f"{what}: {code} {text} {errors}"


# detach.sh.


def detach(lab):
    """Seeds of machines that say they are complete are taken out and removed; the others keep them, and say why."""
    lab.must("create.sh", "--apply", "--start")
    lab.render(DOCUMENT.replace(", image", ", agent: true, image"), seed="two")
    lab.must("create.sh", "--apply")
    own = lab.proxmox / "pve/iso/debian-13.iso"
    own.write_text("somebody's own", encoding="utf-8")
    status = (
        "node:    cp2\nstate:   waiting since 2026-11-21T20:00:00Z\nmessage: the API does not answer yet\ndone:    10\n"
    )
    guests = {"8011": [0, "node: cp1\n"], "8012": [1, status], "300": [0, "node: w1\n"]}
    lab.change(lambda state: state.update(guests=guests))
    before = lab.state
    code, text, errors, commands = lab.call("detach.sh")
    said = (
        "detach.sh: cp2.homelab keeps its media: it says: the API does not answer yet\n"
        "detach.sh: cp3.homelab keeps its media: its agent does not answer; look at kubectl get nodes, and say --yes\n"
    )
    yield from equal("dry", (code, errors, commands, lab.state), (1, said, [], before))
    expected = [line for line in text.splitlines() if not line.startswith("#")]
    code, _, errors, commands = lab.call("detach.sh", "--apply")
    yield from equal("done", (code, errors, commands), (1, said, expected))
    yield from equal("drive", lab.config("8011")["scsi1"], "none,media=cdrom")
    yield from equal("left", {name[:9] for name in lab.volumes()}, {"debian-13", "hagen-cp2", "hagen-cp3"})
    yield from equal("frees", sum("pvesm free local:iso/hagen-w1.homelab-" in line for line in commands), 2)
    yield from nothing_to_do(lab)
    lab.must("detach.sh", "--apply", "--yes")
    yield from equal("at last", lab.volumes(), ["debian-13.iso"])
    yield from equal("again", lab.call("detach.sh", "--apply"), (0, "", "", []))
    # A machine that is gone leaves its seed behind.
    lab.must("upload.sh", "--apply", "cp1")
    lab.change(lambda state: state["vms"].pop("8011"))
    yield from equal("gone", lab.call("detach.sh", "--apply", "cp1")[0], 1)
    yield from equal("gone, --yes", len(lab.must("detach.sh", "--apply", "--yes", "cp1")), 1)


def migrate(lab, vmid, *ejected):
    """Proxmox takes the machine to pve2, once its owner has ejected the CDs."""

    def happens(state):
        state["vms"][vmid]["node"] = "pve2"
        state["vms"][vmid]["config"].update(dict.fromkeys(ejected, "none,media=cdrom"))

    lab.change(happens)


def migrated(lab):
    """A machine that is on another Proxmox node is left alone, with what it has in its drives there."""
    lab.render(OFFLINE, payload="one")
    lab.change(lambda state: state["storages"].update(nfs={"content": "iso", "status": "active"}))
    lab.must("create.sh", "--apply", "cp1", "cp2", "cp3", ISO_STORAGE="nfs")
    lab.render(OFFLINE.replace("vmidBase", "isoStorage: nfs, vmidBase"), payload="one")
    before = lab.volumes("nfs")
    migrate(lab, "8011")
    code, text, errors, commands = lab.call("create.sh", "--apply")
    yield from equal("create.sh", (code, errors, [line[:13] for line in commands]), (0, "", ["qm create 300"]))
    if "# cp1.homelab is on pve2, and left alone\n" not in text:
        yield f"does not say where: {text}"
    # The storage is one that the two share.
    code, text, errors, _ = lab.call("detach.sh", "--apply", "--yes")
    said = "detach.sh: cp1.homelab keeps its media: it is on pve2 with them in its drive: run detach.sh there\n"
    yield from equal("detach.sh", (code, errors), (1, said))
    yield from equal("left", lab.volumes("nfs"), [name for name in before if "cp1" in name or "payload" in name])
    if "# the payload stays in nfs for cp1.homelab\n" not in text:
        yield f"does not say for whom: {text}"
    # There, whatever the document says; the others' are gone already.
    lab.render(OFFLINE.replace("vmidBase", "isoStorage: nfs, host: pve, vmidBase"), payload="one")
    lab.must("detach.sh", "--apply", "--yes", HOSTNAME="pve2")
    yield from equal("there", (lab.volumes("nfs"), lab.drives("scsi1")["8011"]), ([], "none"))
    # Nobody knows whether it is gone.
    lab.render(OFFLINE)
    lab.must("upload.sh", "--apply", "w1")
    lab.change(lambda state: state["vms"].pop("300"))
    script = lab.out / "proxmox/hagen.sh"
    script.write_text(script.read_text(encoding="utf-8").replace("/etc/pve/nodes", "/etc/none"), encoding="utf-8")
    code, _, errors, commands = lab.call("detach.sh", "--apply", "--yes", "w1")
    said = "detach.sh: /etc/pve is empty; see `systemctl status pve-cluster`\n"
    yield from equal("no answer", (code, errors, commands), (1, said, []))


def ejected(lab):
    """The seed of a machine that was migrated without it is removed where it is."""
    lab.must("create.sh", "--apply", "cp1", "w1")
    migrate(lab, "8011", "scsi1")
    code, _, errors, commands = lab.call("detach.sh", "--apply", "cp1")
    said = "its agent does not answer from pve2; look at kubectl get nodes, and say --yes"
    yield from equal("asked", (code, errors, commands), (1, f"detach.sh: cp1.homelab keeps its media: {said}\n", []))
    seed = machines(lab)["cp1"]["iso"]
    yield from equal("freed", lab.must("detach.sh", "--apply", "--yes", "cp1"), [f"pvesm free local:iso/{seed}"])
    yield from equal("left", [name[:8] for name in lab.volumes()], ["hagen-w1"])
    # One that has no name is left alone.
    lab.change(lambda state: state["vms"]["8011"]["config"].pop("name"))
    note = "# cp1.homelab is on pve2, and left alone\n"
    yield from equal("no name", lab.call("create.sh", "--apply", "cp1"), (0, note, "", []))


def storages(lab):
    """What the drives name is removed from its storage, whatever ISO_STORAGE is now."""
    lab.change(lambda state: state["storages"].update(nfs={"content": "iso", "status": "active"}))
    lab.render(OFFLINE, payload="one")
    lab.must("create.sh", "--apply", ISO_STORAGE="nfs")
    lab.must("upload.sh", "--apply", "cp1")
    lab.must("detach.sh", "--apply", "--yes")
    yield from equal("drives", set(lab.drives("scsi1").values()), {"none"})
    yield from equal("nfs", lab.volumes("nfs"), [])
    yield from equal("local", lab.volumes(), [])


def unfit(lab):
    """A storage that is not for ISO images, or not there now, stops each script before it does anything."""
    lab.must("create.sh", "--apply", "cp1")
    volumes = lab.volumes()
    sentence = "storage local takes no ISO images here; it must be active in `pvesm status --content iso`"
    for storage in ({"content": "images"}, {"status": "disabled"}, {"status": "inactive"}):
        lab.change(lambda state, storage=storage: state["storages"]["local"].update(storage))
        for words in (["create.sh", "cp2"], ["upload.sh"], ["detach.sh", "--yes"]):
            found = lab.call(*words, "--apply")
            yield from equal(f"{words} {storage}", found, (1, "", f"{words[0]}: {sentence}\n", []))
        lab.change(lambda state: state["storages"]["local"].update(content="iso", status="active"))
    yield from equal("volumes", lab.volumes(), volumes)


def cut(lab):
    """What a copy that was cut leaves behind goes with the next copy, or with detach.sh; volumes are mended."""
    lab.render(OFFLINE, payload="one")
    old = machines(lab)["cp1"]["iso"]
    part = lab.proxmox / "pve/iso" / f"{old}.pve.part"
    other = lab.proxmox / "pve/iso/hagen-cp1.homelab-2-0123456789ab.iso.pve.part"
    # Another Proxmox node's, which may be copying now.
    theirs = lab.proxmox / "pve/iso" / f"{old}.pve2.part"
    for path in (part, other, theirs):
        path.write_text("half of it", encoding="utf-8")
    lab.render(OFFLINE, seed="two", payload="one")
    code, text, errors, _ = lab.call("create.sh", "--apply")
    yield from equal("create.sh", (code, errors, part.exists(), other.exists()), (0, "", False, True))
    yield from equal("another node's", theirs.exists(), True)
    new = lab.proxmox / "pve/iso" / machines(lab)["cp1"]["iso"]
    if f"\nsync {new}.pve.part\nmv {new}.pve.part {new}\n" not in text:
        yield f"does not sync: {text}"
    # Missing, or damaged, though the drives name them.
    seed = new.read_bytes()
    new.unlink()
    (lab.proxmox / "pve/iso" / payload(lab)).write_text("half of it", encoding="utf-8")
    yield from equal("mended", lab.must("create.sh", "--apply"), [])
    yield from equal("seed", new.is_file() and new.read_bytes() == seed, True)
    yield from equal("payload", (lab.proxmox / "pve/iso" / payload(lab)).stat().st_size > 10, True)
    yield from nothing_to_do(lab)
    for name in (old, payload(lab)):
        (lab.proxmox / "pve/iso" / f"{name}.pve.part").write_text("half of it", encoding="utf-8")
    lab.must("detach.sh", "--apply", "--yes")
    yield from equal("detach.sh", lab.volumes(), [other.name])
    part.write_text("half of it", encoding="utf-8")
    lab.must("detach.sh", "--apply")
    yield from equal("detach.sh, the part alone", lab.volumes(), [other.name])


CHECKS = (
    shellcheck,
    usage,
    standin,
    dry,
    create,
    change,
    smaller,
    seeds,
    payloads,
    frees,
    foreign,
    hosts,
    variables,
    place,
    copy,
    payload_copy,
    values,
    upload,
    payload_api,
    detach,
    migrated,
    ejected,
    storages,
    unfit,
    cut,
)
