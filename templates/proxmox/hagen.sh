# shellcheck shell=bash
# Words of create.sh, upload.sh and detach.sh.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# Set by --apply, and by names of nodes on the command line.
apply=''
chosen=()

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

note() {
  printf '# %s\n' "$*"
}

# Prints a command; with --apply it is run as well.
run() {
  local word line=''
  for word; do
    [[ $word =~ ^[A-Za-z0-9@%+=:,./_-]+$ ]] || word=${word@Q}
    line+=" $word"
  done
  printf '%s\n' "${line# }"
  [[ ! $apply ]] || "$@"
}

# Takes what all three have in common off the command line: `--apply` and names of nodes; then they are `chosen`.
takes() {
  case $1 in
    --apply) apply=1 ;;
    -h | --help) usage && exit ;;
    -*) fail "there is no option $1; --help names them" ;;
    *)
      grep -qF "machine node=$1 " "$here/machines" || fail "no machine is called $1"
      chosen+=("$1")
      ;;
  esac
}

# Calls a function for each chosen machine, with its values as variables.
# shellcheck disable=SC2034,SC2317 # `machines` calls it, and the functions of the three scripts use them.
each() {
  local call=$1
  machine() {
    local node name vmid host cores memory agent mac bridge vlan disk storage image iso_storage iso seed sha256
    local cluster payload payload_iso payload_sha256 "$@"
    [[ ! ${chosen[*]} || " ${chosen[*]} " == *" $node "* ]] || return 0
    storage=${STORAGE:-$storage} iso_storage=${ISO_STORAGE:-$iso_storage}
    bridge=${BRIDGE:-$bridge} image=${IMAGE:-$image}
    "$call"
  }
  # shellcheck source=/dev/null
  . "$here/machines"
}

# Calls a function for each file of the machine's, with `file` (below out/), its `sha256`, the `volume` that it becomes
# in the storage, and the `drive` that reads it.
# shellcheck disable=SC2034 # The functions that it calls use them.
files() {
  local file=$seed sha256=$sha256 volume=$iso_storage:iso/$iso drive=scsi1
  "$1"
  [[ $payload ]] || return 0
  file=$payload sha256=$payload_sha256 volume=$iso_storage:iso/$payload_iso drive=scsi2
  "$1"
}

# Whether nobody has asked for this before: what machines share is done once.
asked=' '
first() {
  [[ $asked != *" $1 "* ]] && asked+="$1 "
}

digest() { sha256sum "$1" | cut -d' ' -f1; }

# Sets `source`, the file itself.
have() {
  source=$here/../$file
  [[ -r $source ]] || fail "$file of $name is not here; copy all of out/, or render again"
  [[ $(digest "$source") == "$sha256" ]] || fail "$file of $name is not the one that \`machines\` means; render again"
}

# Removes what copies that were cut left behind; `pvesm list` does not show it.
sweep() {
  local part
  for part in "$1"-????????????.iso.part; do
    [[ ! -e $part ]] || run rm "$part"
  done
}

# Copies a file into this Proxmox node's storage, unless it is there.
copy() {
  first "$volume" || return 0
  local path source
  path=$(pvesm path "$volume") || fail "storage $iso_storage has no place for ISO images"
  [[ ! -e $path || $(digest "$path") != "$sha256" ]] || return 0
  have
  sweep "${path%-*}"
  # Seeds hold secrets, and QEMU reads them as root.
  run install -D -m 0600 "$source" "$path.part"
  run sync "$path.part"
  run mv "$path.part" "$path"
}

on_proxmox() {
  command -v qm >/dev/null || fail "there is no qm here; run this on a Proxmox node"
  ((EUID == 0)) || fail "qm wants root"
}

# A value of the one JSON object on standard input.
field() { sed -nE "s/.*\"$1\":\"?([^\",}]*).*/\1/p"; }

# Sets `at`, the Proxmox node that has this VMID, and `called`, the name there; both are empty where nobody has it.
# shellcheck disable=SC2034 # create.sh and detach.sh use them.
find_vmid() {
  local found
  found=$(pvesh get /cluster/resources --type vm --output-format json) ||
    fail "pvesh does not say where VM $vmid of $name is; try again once \`pvecm status\` shows a quorum"
  found=$(tr '{' '\n' <<<"$found" | { grep -E "\"vmid\":\"?$vmid\"?[,}]" || true; })
  at=$(field node <<<"$found") called=$(field name <<<"$found")
}

# Whether the machine is this Proxmox node's.
is_here() {
  [[ ! $host || $host == "${HOSTNAME%%.*}" ]]
}
