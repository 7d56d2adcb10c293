# shellcheck shell=sh
# enter.sh ROOT FOLDER SEED NIC COMMAND...: runs a command on the disk FOLDER/upper over ROOT.
# It is the first process of its own namespaces and stays outside of the root: systemctl then knows that it is in one.
set -eu
base=$1 folder=$2 seed=$3 nic=$4
shift 4
root=$folder/root
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$base,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
for path in dev run tmp; do
  mount -t tmpfs tmpfs "$root/$path"
done
# None of the host's devices: cloud-init looks for disks.
for device in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 0666 "$root/dev/${device%:*}" c 1 "${device#*:}"
done
ln -s /proc/self/fd "$root/dev/fd"
chmod 1777 "$root/tmp"
mkdir -p "$root/var/lib/cloud/seed/nocloud" "$root/run/formats" "$root/run/bin"
mount --bind "$seed" "$root/var/lib/cloud/seed/nocloud"
mount --bind "$folder/shared" "$root/run/formats"
install -m 0755 "${0%/*}/boot.sh" "$root/run/formats/boot"
install -m 0755 "${0%/*}/systemctl.sh" "$root/run/bin/systemctl"
ip link set lo up
# shellcheck disable=SC2086 # a name and an address
ip link add ${nic%=*} address ${nic#*=} type veth peer name peer0
chroot "$root" "$@"
