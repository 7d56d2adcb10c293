#!/bin/bash
# create.sh [--apply] [NODE...]: makes these virtual machines with libvirt on this computer, and starts them. Without
# --apply it says what it would do, and does nothing. It can be run again: what is there stays as it is.
#   IMAGES  a folder that QEMU may read, with an image for each operating system: debian.qcow2, flatcar.qcow2, ...
#   POOL    where disks and seeds go; both are /var/lib/libvirt/images unless said otherwise
#   DISK    how large a disk is, 20G unless said otherwise
set -euo pipefail
cd "$(dirname "$0")"
standard=/var/lib/libvirt/images
: "${POOL:=$standard}" "${IMAGES:=$standard}" "${DISK:=20G}"
export LIBVIRT_DEFAULT_URI=${LIBVIRT_DEFAULT_URI:-qemu:///system}

really=false
if [[ ${1:-} == --apply ]]; then
  really=true
  shift
fi

run() {
  printf '%q ' "$@"
  printf '\n'
  ! $really || "$@"
}

# define NODE: its domain, with this computer's folders, and without KVM where there is none.
define() {
  printf 'virsh --quiet define domains/%s.xml\n' "$1"
  $really || return 0
  local type=kvm
  virsh domcapabilities --virttype kvm >/dev/null 2>&1 || type=qemu
  sed "s|'$standard/|'$POOL/|; s|type='kvm'|type='$type'|" "domains/$1.xml" | virsh --quiet define /dev/stdin
}

# active KIND NAME, known KIND NAME: whether a network (net-) or a machine (no KIND) of that name runs, or is there.
active() { virsh "$1list" --name 2>/dev/null | grep -x -- "$2" >/dev/null; }
known() { virsh "$1list" --all --name 2>/dev/null | grep -x -- "$2" >/dev/null; }

read -r cluster _ <machines
known net- "$cluster" || run virsh --quiet net-define network.xml
active net- "$cluster" || run virsh --quiet net-start "$cluster"

payload=$POOL/$cluster-payload.iso
# No secret, and the same for all of them. Another one takes its place when the machines are off.
[[ ! -e ../payload.iso ]] || cmp --silent ../payload.iso "$payload" || run install -m 0644 ../payload.iso "$payload"

while read -r cluster node os seed; do
  (($# == 0)) || [[ " $* " == *" $node "* ]] || continue
  domain=$cluster-$node
  image=$IMAGES/$os.qcow2
  for file in "$image" "../nodes/$node/$seed"; do
    [[ -e $file ]] && continue
    echo "$file is missing" >&2
    exit 1
  done
  if ! known '' "$domain"; then
    [[ -e $POOL/$domain.qcow2 ]] || run qemu-img create -q -f qcow2 -F qcow2 -b "$image" "$POOL/$domain.qcow2" "$DISK"
    run install -m 0600 "../nodes/$node/$seed" "$POOL/$domain.${seed##*.}"
    define "$node"
  fi
  active '' "$domain" || run virsh --quiet start "$domain"
done <machines
$really || echo "nothing was done; to do it: $0 --apply"
