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
    local "$@"
    [[ ! ${chosen[*]} || " ${chosen[*]} " == *" $node "* ]] || return 0
    storage=${STORAGE:-$storage} iso_storage=${ISO_STORAGE:-$iso_storage}
    bridge=${BRIDGE:-$bridge} image=${IMAGE:-$image}
    local volume=$iso_storage:iso/$iso
    "$call"
  }
  # shellcheck source=/dev/null
  . "$here/machines"
}

on_proxmox() {
  command -v qm >/dev/null || fail "there is no qm here; run this on a Proxmox node"
  ((EUID == 0)) || fail "qm wants root"
}

# Whether the machine is this Proxmox node's.
is_here() {
  [[ ! $host || $host == "${HOSTNAME%%.*}" ]]
}
