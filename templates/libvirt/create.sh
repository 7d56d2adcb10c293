#!/bin/bash
# create.sh [--apply] [--remove] [NODE...]: makes these virtual machines with libvirt on this computer, and starts them.
# --remove takes them away, with their disks; without a NODE the network as well. Without --apply it says what it would
# do, and does nothing. It can be run again: what is there stays as it is.
#   IMAGES  a folder that QEMU may read, with an image for each operating system: debian.qcow2, flatcar.qcow2, ...
#   POOL    where disks and seeds go; both are /var/lib/libvirt/images unless said otherwise
#   DISK    how large a disk is, 20G unless said otherwise
set -euo pipefail
cd "$(dirname "$0")"
standard=/var/lib/libvirt/images
: "${POOL:=$standard}" "${IMAGES:=$standard}" "${DISK:=20G}"
export LIBVIRT_DEFAULT_URI=${LIBVIRT_DEFAULT_URI:-qemu:///system}

refuse() {
  echo "$*" >&2
  exit 1
}

really=false remove=false nodes=()
for word; do
  case $word in
    --apply) really=true ;;
    --remove) remove=true ;;
    -*) refuse "there is no option $word; say --apply, --remove or the names of nodes" ;;
    *)
      cut -d ' ' -f 2 machines | grep -xF -- "$word" >/dev/null || refuse "there is no node '$word'; $PWD/machines has them all"
      nodes+=("$word")
      ;;
  esac
done

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
active() { virsh "$1list" --name 2>/dev/null | grep -xF -- "$2" >/dev/null; }
known() { virsh "$1list" --all --name 2>/dev/null | grep -xF -- "$2" >/dev/null; }

# forget KIND NAME: stops it, and lets libvirt forget it.
forget() {
  ! active "$1" "$2" || run virsh --quiet "$1destroy" "$2"
  ! known "$1" "$2" || run virsh --quiet "$1undefine" "$2"
}

discard() {
  local file
  for file; do
    [[ ! -e $file ]] || run rm "$file"
  done
}

# Who gets which address from a network, one a line.
hosts() { sed -n '/<dhcp>/,/<\/dhcp>/s|^ *\(<host .*[^/]\)/*>$|\1/>|p'; }

# Tells the network, which is there, of machines that the document got or changed later.
update() {
  local there missing subnet index old
  there=$(virsh net-dumpxml "$cluster")
  missing=$(hosts <network.xml | grep -vxF -f <(hosts <<<"$there") || true)
  [[ $missing ]] || return 0
  subnet=$(sed '/<dhcp>/q' network.xml | grep '<ip ' | tail -n 1)
  index=$(grep '<ip ' <<<"$there" | grep -nxF -- "$subnet" | cut -d : -f 1) ||
    refuse "the network $cluster lacks the subnet of $PWD/network.xml; rename the cluster, or take that network away with virsh"
  # No two may have a name or an address in common.
  old=$(grep -oE "(mac|name|ip)='[^']*'" <<<"$missing" | grep -F -f - <(hosts <<<"$there") || true)
  [[ ! $old ]] || tell delete <<<"$old"
  tell add-last <<<"$missing"
}

# tell COMMAND: of each host.
tell() {
  local host
  while read -r host; do
    run virsh --quiet net-update "$cluster" "$1" ip-dhcp-host "$host" --parent-index "$((index - 1))" --live --config
  done
}

read -r cluster _ <machines
# With another number of dots than any NODE.CLUSTER.iso, so it is no machine's seed: neither name has a dot.
payload=$POOL/hagen.payload.$cluster.iso

if ! $remove; then
  known net- "$cluster" || run virsh --quiet net-define network.xml
  active net- "$cluster" || run virsh --quiet net-start "$cluster"
  ! known net- "$cluster" || update
  # No secret, and the same for all of them. Another one takes its place when the machines are off.
  [[ ! -e ../payload.iso ]] || cmp --silent ../payload.iso "$payload" || run install -m 0644 ../payload.iso "$payload"
fi

while read -r _ node os seed; do
  ((${#nodes[@]} == 0)) || [[ " ${nodes[*]} " == *" $node "* ]] || continue
  domain=$node.$cluster
  if $remove; then
    forget '' "$domain"
    discard "$POOL/$domain".{qcow2,iso,ign}
    continue
  fi
  image=$IMAGES/$os.qcow2
  for file in "$image" "../nodes/$node/$seed"; do
    [[ -e $file ]] || refuse "$file is missing"
  done
  if ! known '' "$domain"; then
    [[ -e $POOL/$domain.qcow2 ]] || run qemu-img create -q -f qcow2 -F qcow2 -b "$image" "$POOL/$domain.qcow2" "$DISK"
    run install -m 0600 "../nodes/$node/$seed" "$POOL/$domain.${seed##*.}"
    define "$node"
  fi
  active '' "$domain" || run virsh --quiet start "$domain"
done <machines

if $remove && ((${#nodes[@]} == 0)); then
  discard "$payload"
  forget net- "$cluster"
fi
$really || echo "nothing was done; to do it: $0 --apply${*:+ $*}"
