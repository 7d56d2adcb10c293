#!/bin/bash
# Creates or updates the virtual machines of the cluster. Run on the Proxmox node, as root.
. "$(dirname "$(readlink -f "$0")")/hagen.sh"

usage() {
  cat <<'END'
usage: create.sh [--apply] [--start] [--attach] [NODE...]

Makes the virtual machines of this cluster with qm, each with its seed.iso in a drive and payload.iso, if there is one,
in a second, or changes those that are there: cores, memory, NIC, a larger disk, another seed.iso or payload.iso. It
prints the commands; --apply runs them as well. Run it as often as you like: nothing is printed for a machine that is as
it should be. It removes nothing but copies that were cut, shrinks no disk, and touches nothing while one of the VMIDs
belongs to somebody else. A machine that was migrated to another Proxmox node is left alone.

  --apply    run the commands
  --start    also start machines that are off
  --attach   also put back what detach.sh took out of the drives, for a machine with an empty disk
  NODE       these machines only

STORAGE, ISO_STORAGE, BRIDGE and IMAGE in the environment replace what the document says, for every machine.
END
}

start='' attach=''
while (($#)); do
  case $1 in
    --start) start=1 ;;
    --attach) attach=1 ;;
    *) takes "$1" ;;
  esac
  shift
done
on_proxmox

# Single values of the configuration: `value scsi0` and, of those, `part net0 bridge`.
value() { sed -n "s/^$1: //p" <<<"$config"; }
part() { value "$1" | tr , '\n' | sed -n "s/^$2=//p"; }

# Machines that were migrated.
away=' '

refuse() {
  if ! is_here; then
    note "$name is a machine of $host: run create.sh there"
    return 0
  fi
  load
  if [[ $at ]]; then
    # One without a name is being made, or is nobody's.
    [[ ! $called || $called == "$name" ]] || fail "VM $vmid on $at is $called, not $name; give $node another vmid"
    note "$name is on $at, and left alone"
    away+="$name "
  elif [[ $config ]]; then
    [[ $called || $(value lock) != create ]] ||
      fail "VM $vmid is what an interrupted qm create left; remove it with:" \
        "qm unlock $vmid && qm destroy $vmid --destroy-unreferenced-disks 1"
    [[ $called == "$name" ]] || fail "VM $vmid is ${called:-nameless}, not $name; give $node another vmid"
  else
    [[ $image ]] || fail "$name has no image to copy its disk from; name one with IMAGE or the document's proxmox.image"
  fi
}

converge() {
  is_here && [[ $away != *" $name "* ]] || return 0
  load
  if [[ $config ]]; then
    update
  else
    create
  fi
  grow
  if [[ $start && $(qm status "$vmid" 2>/dev/null) != "status: running" ]]; then
    run qm start "$vmid"
  fi
}

# PVE writes MAC addresses in capitals.
nic() { printf %s "virtio=${mac^^},bridge=$bridge${vlan:+,tag=$vlan}"; }

# Brings a file to the storage, and adds its drive to `changes`.
insert() {
  copy
  changes+=("--$drive" "$volume,media=cdrom")
}

# The same where a drive is not as it should be.
renew() {
  local there ours
  there=$(value "$drive")
  there=${there%%,*}
  # One of another render: with another digest.
  ours=:iso/${volume##*/}
  ours=${ours%-*}-
  case $there in
    # In the storage it may be missing, or damaged.
    "$volume") copy ;;
    *"$ours"*) insert ;;
    none) [[ ! $attach ]] || insert ;;
    # No drive at all: a machine of before the document took from a payload, or one that somebody took the seed from.
    '') [[ ! $attach && $drive == scsi1 ]] || insert ;;
    *) note "$drive of $name is $there, and left alone" ;;
  esac
}

create() {
  local changes=()
  files insert
  run qm create "$vmid" --name "$name" --ostype l26 --onboot 1 --agent "enabled=$agent" \
    --cpu x86-64-v2-AES --cores "$cores" --memory "$memory" --net0 "$(nic)" \
    --scsihw virtio-scsi-single --scsi0 "$storage:0,import-from=$image,discard=on,iothread=1" \
    "${changes[@]}" --boot order=scsi0 --serial0 socket
  # Without --apply there is none yet; then its disk counts as too small.
  load
  config=${config:-scsi0: ,size=0}
}

update() {
  local changes=()
  [[ $(value cores) == "$cores" ]] || changes+=(--cores "$cores")
  [[ $(value memory) == "$memory" ]] || changes+=(--memory "$memory")
  [[ $agent == 0 || $(value agent) =~ ^(enabled=)?1 ]] || changes+=(--agent enabled=1)
  if [[ $(part net0 virtio) != "${mac^^}" || $(part net0 bridge) != "$bridge" || $(part net0 tag) != "$vlan" ]]; then
    # What else stands there is somebody's own.
    changes+=(--net0 "$(nic)$(value net0 | tr , '\n' | sed -E '/^(bridge|tag)=|=..(:..){5}$/d; s/^/,/' | tr -d '\n')")
  fi
  files renew
  ((${#changes[@]})) || return 0
  run qm set "$vmid" "${changes[@]}"
  if [[ $(qm status "$vmid") == "status: running" ]]; then
    note "$name is running: what cannot be changed while it is counts from its next start"
  fi
}

grow() {
  local size
  size=$(part scsi0 size)
  if [[ $size ]] && (($(numfmt --from=iec "$size") < disk << 30)); then
    run qm disk resize "$vmid" scsi0 "${disk}G"
  fi
}

each refuse
each converge
