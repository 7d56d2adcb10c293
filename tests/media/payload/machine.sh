# shellcheck shell=sh
# machine.sh ROOT FOLDER SIZE: the first process of a machine, outside of its root until it is ready. containerd's folder
# is FOLDER/containerd, or of SIZE and gone afterwards.
set -eu
base=$1 folder=$2 size=$3
. "${0%/*}/../../real/root.sh"
# For images of system extensions; the kernel frees them with the namespace.
mknod "$root/dev/loop-control" c 10 237
for number in $(seq 0 31); do
  mknod "$root/dev/loop$number" b 7 "$number"
done
mkdir -p "$root/var/lib/containerd"
if [ -n "$size" ]; then
  mount -t tmpfs -o "size=$size" tmpfs "$root/var/lib/containerd"
else
  mount --bind "$folder/containerd" "$root/var/lib/containerd"
fi
mount --bind "$folder/drive" "$root/media"
mkdir -p "$root/dev/disk/by-label"
ln -s /media/payload.iso "$root/dev/disk/by-label/hagen-payload"
mount --bind "$folder/boot_id" "$root/proc/sys/kernel/random/boot_id"
# As systemd has it: systemd-sysext works in a namespace of its own.
mount --make-rshared "$root"
# Not before it is inside: who enters sees what the first process sees.
exec chroot "$root" sh -c 'touch /ready && exec sleep infinity'
