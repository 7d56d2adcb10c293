"""What Terraform, or OpenTofu, and the provider bpg/proxmox make of main.tf."""

import json
import os
import re
import shutil
import subprocess

import store
from lab import DOCUMENT, TOKEN, certificate, equal, machines
from page import blocks
from virtual import Virtual

VMIDS = ("8011", "8012", "8013", "300")
PROVIDER = "v0.111.1"
TOFU = "v1.12.6"
# OpenTofu's own fork, as its go.mod says.
TOFU_HCL = "v2.20.2-0.20251021132045-587d123c2828"


def go_program(name, package, version, *replace):
    """A program that is built from the Go module proxy."""

    def make(folder):
        source = folder / "module"
        source.mkdir()
        lines = ["module test", "go 1.26.0", *(f"replace {line}" for line in replace)]
        (source / "go.mod").write_text("\n".join(lines) + "\n", encoding="utf-8")
        get = os.environ | {"GOFLAGS": "-mod=mod"}
        store.run("go", "get", f"{package}@{version}", cwd=source, env=get)
        store.go_build(source, [package], folder)
        shutil.rmtree(source)

    return store.entry(name, [], [package, version, *replace, store.go()], make) / name


def tofu():
    """OpenTofu, where neither it nor Terraform is installed."""
    hcl = f"github.com/hashicorp/hcl/v2 => github.com/opentofu/hcl/v2 {TOFU_HCL}"
    return go_program("tofu", "github.com/opentofu/opentofu/cmd/tofu", TOFU, hcl)


def terraform(lab):
    """Terraform or OpenTofu, with the provider's own schema, plans what the document says, here and as a module; what
    it applies stops no machine, and destroys none that was migrated."""
    provider = go_program("terraform-provider-proxmox", "github.com/bpg/terraform-provider-proxmox", PROVIDER)
    program = shutil.which("tofu") or shutil.which("terraform") or tofu()
    settings = lab.folder / "terraform.rc"
    overrides = f'dev_overrides {{\n"bpg/proxmox" = "{provider.parent}"\n}}'
    settings.write_text(f"provider_installation {{\n{overrides}\ndirect {{}}\n}}\n", encoding="utf-8")
    virtual = Virtual(certificate(lab.folder, "localhost"))
    environment = os.environ | {
        "TF_CLI_CONFIG_FILE": str(settings),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
        "PROXMOX_VE_ENDPOINT": virtual.url,
        "PROXMOX_VE_INSECURE": "true",
        "PROXMOX_VE_API_TOKEN": TOKEN,
    }

    def run(folder, *words):
        done = subprocess.run(
            [program, f"-chdir={folder}", *words, "-no-color"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return done.returncode, done.stdout + done.stderr

    def plan(folder, *words):
        code, said = run(folder, "plan", f"-out={lab.folder}/plan", *words)
        if code:
            return said
        shown = run(folder, "show", "-json", str(lab.folder / "plan"))[1]
        changes = json.loads(shown[shown.index("{") :])["resource_changes"]
        return {
            (change["type"].removeprefix("proxmox_virtual_environment_"), change["index"]): change["change"]["after"]
            for change in changes
        }

    lab.render(DOCUMENT.replace("vmidBase", "host: pve, vmidBase"))
    folder = lab.out / "proxmox"
    yield from run_ok(run(folder, "fmt", "-check", "-diff"))
    yield from run_ok(run(folder, "validate"))
    after = plan(folder)
    if isinstance(after, str):
        yield after
        return
    for name, machine in machines(lab).items():
        vm, seed = after[("vm", name)], after[("file", name)]
        disk, nic = vm["disk"][0], vm["network_device"][0]
        yield from equal(
            f"{name}: machine",
            (vm["vm_id"], vm["name"], vm["node_name"], vm["cpu"][0]["cores"], vm["memory"][0]["dedicated"]),
            (machine["vmid"], f"{name}.homelab", "pve", machine["cores"], machine["memory"]),
        )
        yield from equal(
            f"{name}: disk",
            (disk["interface"], disk["size"], disk["import_from"], disk["datastore_id"]),
            ("scsi0", machine["disk"], "local:import/debian-13.qcow2", "local-lvm"),
        )
        yield from equal(
            f"{name}: NIC",
            (nic["mac_address"], nic["bridge"], nic["vlan_id"] or None),
            (machine["mac"].upper(), "vmbr0", machine["vlan"]),
        )
        yield from equal(f"{name}: drive", vm["cdrom"][0]["interface"], "scsi1")
        source = seed["source_file"][0]
        yield from equal(
            f"{name}: seed",
            (seed["content_type"], seed["datastore_id"], source["file_name"], source["checksum"]),
            ("iso", "local", machine["iso"], machine["sha256"]),
        )
        yield from equal(f"{name}: its file", (folder / source["path"]).resolve().is_file(), True)
    stays = (["update"], ["scsi0", "scsi2"])
    yield from equal("boot orders", boot_orders(lab, run, plan), [stays] * len(machines(lab)))
    # Once the cluster is up: no seeds, empty drives.
    without = plan(folder, "-var=seeds=false")
    yield from equal("without seeds", {key[0] for key in without}, {"vm"})
    yield from equal("empty drives", {vm["cdrom"][0]["file_id"] for vm in without.values()}, {"none"})
    yield from applied(lab, run, virtual)

    lab.render(DOCUMENT)
    module = lab.folder / "module"
    module.mkdir()
    (module / "homelab.tf").write_text(blocks("hcl")[0].replace("./out", "../out"), encoding="utf-8")
    yield from run_ok(
        run(module, "init", "-backend=false"), allow="Failed to query|Could not retrieve|development overrides"
    )
    yield from equal("as a module", sorted(plan(module)), sorted(after))
    said = plan(folder)
    if "host" not in said:
        yield f"without a host: {said}"


def applied(lab, run, virtual):
    """Machines that are made, and that run on while the document changes, wherever Proxmox has taken them."""
    document = DOCUMENT.replace("vmidBase", "host: pve, vmidBase")
    words = ["apply", "-auto-approve", f"-state={lab.folder}/applied"]
    folder = lab.out / "proxmox"
    yield from run_ok(run(folder, *words))
    yield from equal("made", sorted(virtual.machines), sorted(VMIDS))
    yield from equal("seeds", len(virtual.volumes), len(VMIDS))
    yield from equal("changes of a second apply", run_ok_says(run(folder, *words)), "0 added, 0 changed, 0 destroyed")

    virtual.machines["8012"]["node"] = "pve2"
    lab.render(document.replace("vmidBase", "memory: 8192, cores: 4, agent: true, vmidBase"))
    virtual.asked.clear()
    yield from equal("changed", run_ok_says(run(folder, *words)), "0 added, 4 changed, 0 destroyed")
    yield from equal("asked", {line for line in virtual.asked if not re.fullmatch("P.* .*/config", line)}, set())
    found = {vmid: (vm["config"]["memory"], vm["status"], vm["node"]) for vmid, vm in virtual.machines.items()}
    there = dict.fromkeys(VMIDS, ("8192", "running", "pve")) | {"8012": ("8192", "running", "pve2")}
    yield from equal("machines", found, there)

    yield from run_ok(run(folder, *words, "-var=seeds=false"))
    yield from equal("seeds then", virtual.volumes, set())
    drives = {(vm["config"]["scsi1"], vm["status"]) for vm in virtual.machines.values()}
    yield from equal("drives then", drives, {("none,media=cdrom", "running")})


def run_ok_says(result):
    """What an apply has changed, or what went wrong."""
    found = re.search("Resources: (.*)[.]", result[1])
    return found[1] if found and not result[0] else result[1]


def boot_orders(lab, run, plan):
    """What a plan does with each machine, and with its boot order, to which Proxmox has appended a CD drive.

    The provider restarts a machine for another boot order. There is no Proxmox to read the machines from, so they are
    put into a state as planned."""
    folder = lab.out / "proxmox"
    plan(folder)
    shown = json.loads(run(folder, "show", "-json", str(lab.folder / "plan"))[1])
    planned = [change for change in shown["resource_changes"] if change["type"].endswith("_vm")]
    instances = [
        {
            "index_key": machine["index"],
            "schema_version": 0,
            "attributes": machine["change"]["after"] | {"id": "1", "boot_order": ["scsi0", "scsi2"]},
        }
        for machine in planned
    ]
    first = planned[0]
    provider = f'provider["{first["provider_name"]}"]'
    resource = {"mode": "managed", "provider": provider, "instances": instances}
    resource |= {name: first[name] for name in ("type", "name")}
    state = {"version": 4, "serial": 1, "lineage": "hagen", "terraform_version": "1.5.0", "resources": [resource]}
    (lab.folder / "state").write_text(json.dumps(state), encoding="utf-8")
    plan(folder, "-refresh=false", "-var=seeds=false", f"-state={lab.folder}/state")
    shown = json.loads(run(folder, "show", "-json", str(lab.folder / "plan"))[1])
    changes = [change["change"] for change in shown["resource_changes"]]
    return [(change["actions"], change["after"]["boot_order"]) for change in changes]


def run_ok(result, allow=None):
    code, text = result
    if code and not (allow and re.search(allow, text)):
        yield from text.splitlines()
