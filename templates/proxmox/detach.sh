#!/bin/bash
# Takes the seeds, which hold secrets, and the payload, which is large, out of drives and storage once the machines no
# longer need them. Run on the Proxmox node, as root.
. "$(dirname "$(readlink -f "$0")")/hagen.sh"

usage() {
  cat <<'END'
usage: detach.sh [--apply] [--yes] [NODE...]

Takes seed.iso and payload.iso out of each machine's drives, and removes every seed of the machine from ISO_STORAGE. It
prints the commands; --apply runs them as well. A machine is asked through qemu-guest-agent whether it is part of the
cluster; one that is not yet, or cannot be asked, keeps them. Every payload is removed from ISO_STORAGE with the last
drive that reads one; drives of another Proxmox node's machines count until --yes is said without a NODE.

  --apply  run the commands
  --yes    ask no machine: they are all part of the cluster (kubectl get nodes)
  NODE     these machines only

A machine whose disk is lost gets both back with `create.sh --apply --attach NODE`.
ISO_STORAGE in the environment replaces what the document says.
END
}

sure='' kept='' emptied=' ' readers=''
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
    keep "its agent does not answer; look at kubectl get nodes, and say --yes"
    return 1
  fi
  [[ ! $answer =~ \"exitcode\"\ *:\ *0[^0-9] ]] || return 0
  answer=${answer##*message: }
  keep "it says: ${answer%%\\n*}"
  return 1
}

# What `qm config` prints for the machine, and single values of it: `value scsi1`.
config=''
load() { config=$(qm config "$vmid" 2>/dev/null || true); }
value() { sed -n "s/^$1: \([^,]*\).*/\1/p" <<<"$config"; }

# Volumes in the storage: `stored hagen-cp1.homelab`.
stored() { pvesm list "$iso_storage" --content iso | sed -nE "s|^($iso_storage:iso/$1-[0-9a-f]+\.iso) .*|\1|p"; }

detach() {
  is_here || return 0
  local called seeds drives=() file
  load
  called=$(value name)
  [[ ! $called || $called == "$name" ]] || fail "VM $vmid is $called, not $name"
  seeds=$(stored "hagen-$name")
  # Emptied, not removed: that works at once, whether the machine runs or not.
  [[ $(value scsi1) != *":iso/hagen-$name-"* ]] || drives+=(--scsi1 "none,media=cdrom")
  [[ $(value scsi2) != *":iso/hagen-$cluster-payload-"* ]] || drives+=(--scsi2 "none,media=cdrom")
  [[ $seeds || ${drives[*]} ]] || return 0
  [[ $sure ]] || is_complete || return 0
  emptied+="$name "
  ((${#drives[@]} == 0)) || run qm set "$vmid" "${drives[@]}"
  for file in $seeds; do
    run pvesm free "$file"
  done
}

# Notes a machine that may still read a payload.
read_payload() {
  load
  if ! is_here; then
    [[ $all ]] || readers+=" $name"
  elif [[ $emptied != *" $name "* && $(value scsi2) == *":iso/hagen-$cluster-payload-"* ]]; then
    readers+=" $name"
  fi
}

free_payload() {
  first "$iso_storage" || return 0
  local payloads file
  payloads=$(stored "hagen-$cluster-payload")
  if [[ $payloads && $readers ]]; then
    note "the payload stays in $iso_storage for$readers"
    return 0
  fi
  for file in $payloads; do
    run pvesm free "$file"
  done
}

all=''
[[ ! $sure || ${chosen[*]} ]] || all=1
each detach
chosen=()
each read_payload
each free_payload
[[ ! $kept ]]
