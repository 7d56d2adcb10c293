#!/bin/bash
# Takes the seeds, which hold secrets, out of drives and storage once the machines no longer need them. Run on the
# Proxmox node, as root.
. "$(dirname "$(readlink -f "$0")")/hagen.sh"

usage() {
  cat <<'END'
usage: detach.sh [--apply] [--yes] [NODE...]

Takes each machine's seed.iso out of its drive, and removes every seed of the machine from ISO_STORAGE. It prints the
commands; --apply runs them as well. A machine is asked through qemu-guest-agent whether it is part of the cluster;
one that is not yet, or cannot be asked, keeps its seed.

  --apply  run the commands
  --yes    ask no machine: they are all part of the cluster (kubectl get nodes)
  NODE     these machines only

A machine whose disk is lost gets its seed back with `create.sh --apply --attach NODE`.
ISO_STORAGE in the environment replaces what the document says.
END
}

sure='' kept=''
while (($#)); do
  case $1 in
    --yes) sure=1 ;;
    *) takes "$1" ;;
  esac
  shift
done
on_proxmox

keep() {
  printf '%s: %s keeps its seed: %s\n' "${0##*/}" "$name" "$*" >&2
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

detach() {
  is_here || return 0
  local config drive called file files
  config=$(qm config "$vmid" 2>/dev/null || true)
  drive=$(sed -n 's/^scsi1: \([^,]*\).*/\1/p' <<<"$config")
  called=$(sed -n 's/^name: //p' <<<"$config")
  [[ ! $config || $called == "$name" ]] || fail "VM $vmid is $called, not $name"
  files=$(pvesm list "$iso_storage" --content iso | sed -nE "s|^($iso_storage:iso/hagen-$name-[0-9a-f]+\.iso) .*|\1|p")
  [[ $files || $drive == *":iso/hagen-$name-"* ]] || return 0
  [[ $sure ]] || is_complete || return 0
  # Emptied, not removed: that works at once, whether the machine runs or not.
  [[ $drive != *":iso/hagen-$name-"* ]] || run qm set "$vmid" --scsi1 none,media=cdrom
  for file in $files; do
    run pvesm free "$file"
  done
}

each detach
[[ ! $kept ]]
