#!/usr/bin/env -S python3 -B
"""A stand-in for qm, pvesm, pvesh and pveum: it is called by these names, keeps its machines in the folder $PROXMOX,
and refuses what options.json does not know. What a command does follows PVE's sources (named there): what `qm config`
prints, that a new CD drive joins the boot order, that a VMID is one machine's in the whole cluster. $HOSTNAME says
which Proxmox node it is.

$PROXMOX/state.json: `vms` by VMID, each its `node`, configuration and `running`; `storages`, what each is for, and its
status; `images` with their sizes; `guests`, what hagen-status ends with on machines that have an agent. $PROXMOX/log:
every command that changes something, one JSON list a line. Storages are folders of $PROXMOX: `local` is the node's own
(pve, pve2), the others all nodes share.
"""

import json
import os
import re
import sys
from pathlib import Path

HERE = Path(os.environ["PROXMOX"])
NODE = os.environ["HOSTNAME"].partition(".")[0]
TABLE = json.loads(Path(__file__).resolve().with_name("options.json").read_text(encoding="utf-8"))
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def refuse(text, code=255):
    print(text, file=sys.stderr)
    sys.exit(code)


# What is asked for.


def properties(text, form):
    """A list of properties as a mapping; the one without a name is under ""."""
    found = {}
    for number, item in enumerate(text.split(",")):
        name, equals, value = item.partition("=")
        if not equals or name not in form:
            if number or "" not in form:
                refuse(f"400 Parameter verification failed.\ninvalid format - no such property: {item}")
            name, value = "", item
        if name in found or not re.fullmatch(form[name], value):
            refuse(f"400 Parameter verification failed.\ninvalid format - {item}")
        found[name] = value
    return found


def verify(name, value):
    form = TABLE["forms"][name]
    if isinstance(form, dict):
        properties(value, form)
    elif not re.fullmatch(form, value):
        refuse(f"400 Parameter verification failed.\n{name}: '{value}' does not match")


def parse(program, words):
    """The command and its options, as PVE::CLIHandler reads them: one dash or two, a value behind a blank or `=`."""
    known = [name for name in TABLE["commands"] if [program, *words][: len(name.split())] == name.split()]
    if not known:
        refuse(f"ERROR: unknown command '{program} {' '.join(words[:1])}'")
    name = max(known, key=len)
    command = TABLE["commands"][name]
    words = words[len(name.split()) - 1 :]
    extra = []
    if "--" in words and command.get("extra"):
        extra = words[words.index("--") + 1 :]
        words = words[: words.index("--")]
    arguments, options = [], {}
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            arguments.append(word)
            continue
        option, equals, value = word.lstrip("-").partition("=")
        form = next((form for pattern, form in command["options"].items() if re.fullmatch(pattern, option)), None)
        if form is None:
            refuse(f"Unknown option: {option}\n400 unable to parse option")
        if not equals:
            if not words:
                refuse(f"Option {option} requires an argument\n400 unable to parse option")
            value = words.pop(0)
        if option in options:
            refuse(f"Option {option} is given twice")
        verify(form, value)
        options[option] = value
    if len(arguments) != len(command["arguments"]):
        refuse("400 not enough arguments" if len(arguments) < len(command["arguments"]) else "400 too many arguments")
    for form, argument in zip(command["arguments"], arguments):
        verify(form, argument)
    return name, arguments, options, extra


# What is done.


def load():
    return json.loads((HERE / "state.json").read_text(encoding="utf-8"))


def save(state):
    (HERE / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
    with open(HERE / "log", "a", encoding="utf-8") as log:
        log.write(json.dumps([Path(sys.argv[0]).name, *sys.argv[1:]]) + "\n")


def to_bytes(size):
    number, unit = re.fullmatch(r"([0-9]+)([KMGT]?)", size).groups()
    return int(number) * UNITS[unit]


def from_bytes(size):
    """As PVE::JSONSchema::format_size."""
    unit = [unit for unit, factor in UNITS.items() if size % factor == 0][-1] if size else ""
    return f"{size // UNITS[unit]}{unit}"


def folder_of(storage):
    if storage not in load()["storages"]:
        refuse(f"storage '{storage}' does not exist")
    return HERE / (NODE if storage == "local" else storage)


def path_of(volume):
    storage, _, name = volume.partition(":")
    folder = folder_of(storage)
    if not re.fullmatch(r"iso/[^/]+\.(iso|img)", name, re.IGNORECASE):
        refuse(f"unable to parse directory volume name '{name}'")
    return folder / name


def drive(state, vmid, key, text):
    """A drive as it stands in the configuration: volumes are made, sizes known."""
    found = properties(text, TABLE["forms"]["scsi"])
    volume, source = found.pop(""), found.pop("import-from", None)
    if found.get("media") == "cdrom":
        if volume != "none":
            if not path_of(volume).is_file():
                refuse(f"volume '{volume}' does not exist")
            found["size"] = from_bytes(path_of(volume).stat().st_size)
    elif match := re.fullmatch(r"([^:]+):([0-9.]+)", volume):
        if source is None:
            found["size"] = f"{match[2]}G"
        elif match[2] != "0" or source not in state["images"]:
            refuse(f"cannot import from '{source}'")
        else:
            found["size"] = state["images"][source]
        volume = f"{match[1]}:vm-{vmid}-disk-{key.removeprefix('scsi')}"
    return ",".join([volume, *(f"{name}={value}" for name, value in sorted(found.items()))])


def apply(state, vmid, config, options):
    for key, value in options.items():
        if key.startswith("scsi") and key != "scsihw":
            value = drive(state, vmid, key, value)
            # PVE::API2::Qemu::update_vm appends new CD drives to the order.
            order = config.get("boot", "").removeprefix("order=").split(";")
            if "boot" not in options and "media=cdrom" in value and config.get("boot") and key not in order:
                config["boot"] += f";{key}"
        config[key] = value


def qm(state, command, vmid, rest, options, extra):
    machine = state["vms"].get(vmid)
    if command == "create":
        if machine:
            refuse(f"unable to create VM {vmid} - VM {vmid} already exists on node '{machine['node']}'")
        config = {"smbios1": "uuid=00000000-0000-4000-8000-000000000000"}
        machine = {"node": NODE, "config": config, "running": False}
        apply(state, vmid, machine["config"], options)
        state["vms"][vmid] = machine
        return save(state)
    if not machine or machine["node"] != NODE or "hostname" in machine["config"]:
        refuse(f"Configuration file 'nodes/{NODE}/qemu-server/{vmid}.conf' does not exist", 2)
    config = machine["config"]
    if command == "config":
        for key in sorted(config):
            print(f"{key}: {config[key]}")
    elif command == "status":
        print("status:", "running" if machine["running"] else "stopped")
    elif command == "set":
        if not options:
            refuse("no options specified")
        apply(state, vmid, config, options)
        print(f"update VM {vmid}: {options}")
        save(state)
    elif command == "disk resize":
        key, size = rest
        if key not in config:
            refuse(f"disk '{key}' does not exist")
        old = re.search("size=([0-9]+[KMGT]?)", config[key])[1]
        if to_bytes(size) < to_bytes(old):
            refuse("shrinking disks is not supported")
        config[key] = config[key].replace(f"size={old}", f"size={from_bytes(to_bytes(size))}")
        save(state)
    elif command == "start":
        if machine["running"]:
            refuse(f"VM {vmid} already running")
        machine["running"] = True
        save(state)
    elif command == "guest exec":
        if not re.match("(enabled=)?1", config.get("agent", "0")):
            refuse("No QEMU guest agent configured")
        if not machine["running"] or vmid not in state["guests"]:
            refuse("QEMU guest agent is not running")
        if extra != ["/bin/bash", "/var/lib/hagen/bin/hagen-status"]:
            refuse(f"what is {extra}?")
        answer = {"exitcode": state["guests"][vmid][0], "exited": 1, "out-data": state["guests"][vmid][1]}
        # As JSON of Perl: pretty, canonical.
        print(re.sub('": ', '" : ', json.dumps(answer, indent=3)))


def pvesm(state, command, value, options):
    if command == "status":
        name = options["storage"]
        storage = state["storages"].get(name)
        if not storage or options["content"] not in storage["content"].split(","):
            refuse("400 Parameter verification failed.\nstorage: No such storage.")
        print("Name         Type     Status     Total (KiB)      Used (KiB) Available (KiB)        %")
        print(f"{name:12}  dir {storage['status']:>10}        98497780        13432180        80016052   13.64%")
    elif command == "set":
        state["storages"][value] |= options
        save(state)
    elif command == "path":
        print(path_of(value))
    elif command == "free":
        if not path_of(value).is_file():
            refuse(f"volume '{value}' does not exist")
        path_of(value).unlink()
        print(f"Removed volume '{value}'")
        save(state)
    elif command == "list":
        contents = state["storages"].get(value, {}).get("content", "").split(",")
        # As the storage is activated.
        for content in contents:
            (folder_of(value) / content).mkdir(parents=True, exist_ok=True)
        if options["content"] not in contents:
            return
        files = sorted((folder_of(value) / "iso").iterdir()) if options["content"] == "iso" else []
        files = [path for path in files if path.suffix in (".iso", ".img")]
        names = [f"{value}:iso/{path.name}" for path in files]
        width = max(map(len, names), default=0)
        print(f"{'Volid':{width}} Format  Type {'Size':>9} VMID")
        for name, path in zip(names, files):
            print(f"{name:{width}} iso     iso  {path.stat().st_size:>9}")


def main():
    program = Path(sys.argv[0]).name
    name, arguments, options, extra = parse(program, sys.argv[1:])
    command = name.removeprefix(f"{program} ")
    state = load()
    if program == "qm":
        qm(state, command, arguments[0], arguments[1:], options, extra)
    elif program == "pveum":
        print(arguments)
        save(state)
    elif program == "pvesm":
        pvesm(state, command, *(arguments or [None]), options)
    else:
        local = state["storages"]["local"]["content"]
        found = {"content": local, "digest": "d6", "path": "/var/lib/vz", "storage": "local", "type": "dir"}
        # As PVE::CLIFormatter: one line, canonical.
        print(json.dumps(found, separators=(",", ":"), sort_keys=True))


if __name__ == "__main__":
    main()
