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

# Stops unless the storage takes ISO images now, which neither `pvesm path` nor `qm` asks.
takes_iso() {
  first "storage:$1" || return 0
  [[ $(pvesm status --storage "$1" --content iso 2>/dev/null) == *" active "* ]] ||
    fail "storage $1 takes no ISO images here; it must be active in \`pvesm status --content iso\`"
}

# Removes what copies of the Proxmox nodes $2, a pattern, left behind when they were cut; `pvesm list` does not show it.
sweep() {
  local part
  for part in "$1"-????????????.iso.*.part; do
    # shellcheck disable=SC2053
    [[ ! -e $part || $part != *.iso.$2.part ]] || run rm "$part"
  done
}

# Copies a file into this Proxmox node's storage, unless it is there. Seeds hold secrets, and QEMU reads them as root.
copy() {
  first "$volume" || return 0
  takes_iso "$iso_storage"
  local path source part
  path=$(pvesm path "$volume")
  if [[ -e $path && $(digest "$path") == "$sha256" ]]; then
    # One that came by the API can be read by everybody.
    [[ $(stat -c %a "$path") == 600 ]] || run chmod 0600 "$path"
    return 0
  fi
  have
  # Another Proxmox node may be copying the same into a storage that they share.
  sweep "${path%-*}" "$this_node"
  part=$path.$this_node.part
  run install -D -m 0600 "$source" "$part"
  run sync "$part"
  run mv "$part" "$path"
}

on_proxmox() {
  command -v qm >/dev/null || fail "there is no qm here; run this on a Proxmox node"
  ((EUID == 0)) || fail "qm wants root"
}

# A value of the one JSON object on standard input.
field() { sed -nE "s/.*\"$1\":\"?([^\",}]*).*/\1/p"; }

# Loads the machine: `config` is what `qm config` prints, `called` its name. One of another Proxmox node, which is `at`
# then, is read from the file that every node of a Proxmox cluster has. All are empty where nobody has this VMID.
# shellcheck disable=SC2034 # create.sh and detach.sh use them.
load() {
  local file
  at=''
  if ! config=$(qm config "$vmid" 2>/dev/null); then
    [[ -d /etc/pve/nodes ]] || fail "/etc/pve is empty; see \`systemctl status pve-cluster\`"
    for file in /etc/pve/nodes/*/{qemu-server,lxc}/"$vmid.conf"; do
      [[ -e $file ]] || continue
      at=${file#/etc/pve/nodes/} at=${at%%/*}
      # Sections with changes to come and snapshots follow.
      config=$(sed '/^\[/,$d' "$file")
    done
  fi
  called=$(sed -nE 's/^(name|hostname): //p' <<<"$config")
}

# The name of this Proxmox node, and whether the machine is its.
this_node=${HOSTNAME%%.*}
is_here() {
  [[ ! $host || $host == "$this_node" ]]
}
