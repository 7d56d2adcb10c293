# shellcheck shell=sh
# enter.sh ROOT FOLDER SEED NIC COMMAND...: runs a command on the disk FOLDER/upper over ROOT.
# It is the first process of its own namespaces and stays outside of the root: systemctl then knows that it is in one.
set -eu
base=$1 folder=$2 seed=$3 nic=$4
shift 4
. "${0%/*}/../real/root.sh"
mkdir -p "$root/var/lib/cloud/seed/nocloud" "$root/run/formats" "$root/run/bin"
mount --bind "$seed" "$root/var/lib/cloud/seed/nocloud"
mount --bind "$folder/shared" "$root/run/formats"
install -m 0755 "${0%/*}/boot.sh" "$root/run/formats/boot"
install -m 0755 "${0%/*}/systemctl.sh" "$root/run/bin/systemctl"
# shellcheck disable=SC2086 # a name and an address
ip link add ${nic%=*} address ${nic#*=} type veth peer name peer0
chroot "$root" "$@"
