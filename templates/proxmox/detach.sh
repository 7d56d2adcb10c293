#!/bin/bash
# Takes the seeds, which hold secrets, and the payload, which is large, out of drives and storage once the machines no
# longer need them. Run on the Proxmox node, as root.
. "$(dirname "$(readlink -f "$0")")/hagen.sh"

usage() {
  cat <<'END'
usage: detach.sh [--apply] [--yes] [NODE...]

Takes seed.iso and payload.iso out of each machine's drives, and removes every seed of the machine from ISO_STORAGE and
from the storage that its drive names. It prints the commands; --apply runs them as well. A machine is asked through
qemu-guest-agent whether it is part of the cluster; one that is not yet, or cannot be asked, keeps them, and so does one
that was migrated to another Proxmox node and has them in its drives there. Every payload is removed with the last drive
that reads one, on whatever Proxmox node.

  --apply  run the commands
  --yes    ask no machine: they are all part of the cluster (kubectl get nodes)
  NODE     these machines only

A machine whose disk is lost gets both back with `create.sh --apply --attach NODE`.
ISO_STORAGE in the environment replaces what the document says.
END
}

sure='' kept='' emptied=' ' readers='' payload_storages=''
while (($#)); do
  case $1 in
    --yes) sure=1 ;;
    *) takes "$1" ;;
  esac
  shift
done
on_proxmox

keep() {
  printf '%s: %s keeps its media: %s\n' "${0##*/}" "$name" "$*" >&2
  kept=1
}

# hagen-status, asked through the agent: it ends with 0 when the machine is part of the cluster.
is_complete() {
  local answer
  if ! answer=$(qm guest exec "$vmid" --timeout 15 -- /bin/bash /var/lib/hagen/bin/hagen-status 2>&1); then
    keep "its agent does not answer${at:+ from $at}; look at kubectl get nodes, and say --yes"
    return 1
  fi
  [[ ! $answer =~ \"exitcode\"\ *:\ *0[^0-9] ]] || return 0
  answer=${answer##*message: }
  keep "it says: ${answer%%\\n*}"
  return 1
}

# Single values of the configuration, without their options: `value scsi1`.
value() { sed -n "s/^$1: \([^,]*\).*/\1/p" <<<"$config"; }

# One that was migrated is where `qm` knows it, whatever the document says.
is_ours() { is_here || [[ ! $at && $called == "$name" ]]; }

# Volumes in a storage: `stored local hagen-cp1.homelab`.
stored() { pvesm list "$1" --content iso | sed -nE "s|^($1:iso/$2-[0-9a-f]+\.iso) .*|\1|p"; }

# The same of copies that were cut, on whatever Proxmox node: they are in nobody's drive.
sweep_storage() {
  local path
  path=$(pvesm path "$1:iso/$2-0.iso")
  sweep "${path%-*}" '*'
}

detach() {
  local seeds drives=() file volume storages=("$iso_storage")
  load
  is_ours || return 0
  [[ ! $called || $called == "$name" ]] || fail "VM $vmid${at:+ on $at} is $called, not $name"
  # Emptied, not removed: that works at once, whether the machine runs or not.
  volume=$(value scsi1)
  if [[ $volume == *":iso/hagen-$name-"* ]]; then
    drives+=(--scsi1 "none,media=cdrom")
    [[ $volume == "$iso_storage:"* ]] || storages+=("${volume%%:*}")
  fi
  volume=$(value scsi2)
  if [[ ! $at && $volume == *":iso/hagen-$cluster-payload-"* ]]; then
    drives+=(--scsi2 "none,media=cdrom")
    payload_storages+=" ${volume%%:*}"
  fi
  for storage in "${storages[@]}"; do
    takes_iso "$storage"
    sweep_storage "$storage" "hagen-$name"
  done
  seeds=$(for storage in "${storages[@]}"; do stored "$storage" "hagen-$name" || exit; done)
  [[ $seeds || ${drives[*]} ]] || return 0
  if [[ $at && ${drives[*]} ]]; then
    [[ ! $seeds ]] || keep "it is on $at with them in its drive: run detach.sh there"
    return 0
  fi
  [[ $sure ]] || is_complete || return 0
  if [[ ${drives[*]} ]]; then
    run qm set "$vmid" "${drives[@]}"
    emptied+="$name "
  fi
  for file in $seeds; do
    run pvesm free "$file"
  done
}

# Notes a machine that still reads a payload.
read_payload() {
  load
  if [[ $emptied != *" $name "* && $(value scsi2) == *":iso/hagen-$cluster-payload-"* ]]; then
    readers+=" $name"
  fi
}

free_payload() {
  local storage payloads file
  for storage in $iso_storage $payload_storages; do
    first "$storage" || continue
    takes_iso "$storage"
    sweep_storage "$storage" "hagen-$cluster-payload"
    payloads=$(stored "$storage" "hagen-$cluster-payload")
    if [[ $payloads && $readers ]]; then
      note "the payload stays in $storage for$readers"
      continue
    fi
    for file in $payloads; do
      run pvesm free "$file"
    done
  done
}

each detach
chosen=()
each read_payload
each free_payload
[[ ! $kept ]]
