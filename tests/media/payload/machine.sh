# shellcheck shell=sh
# machine.sh ROOT FOLDER SIZE: the first process of a machine, outside of its root until it is ready. containerd's folder
# is FOLDER/containerd, or of SIZE and gone afterwards.
set -eu
base=$1 folder=$2 size=$3
root=$folder/root
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$base,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
for path in dev run tmp; do
  mount -t tmpfs tmpfs "$root/$path"
done
# None of the host's disks.
for device in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 0666 "$root/dev/${device%:*}" c 1 "${device#*:}"
done
# For images of system extensions; the kernel frees them with the namespace.
mknod "$root/dev/loop-control" c 10 237
for number in $(seq 0 31); do
  mknod "$root/dev/loop$number" b 7 "$number"
done
ln -s /proc/self/fd "$root/dev/fd"
chmod 1777 "$root/tmp"
mkdir -p "$root/var/lib/containerd"
if [ -n "$size" ]; then
  mount -t tmpfs -o "size=$size" tmpfs "$root/var/lib/containerd"
else
  mount --bind "$folder/containerd" "$root/var/lib/containerd"
fi
mount --bind "$folder/drive" "$root/media"
mount --bind "$folder/boot_id" "$root/proc/sys/kernel/random/boot_id"
ip link set lo up
# As systemd has it: systemd-sysext works in a namespace of its own.
mount --make-rshared "$root"
# Not before it is inside: who enters sees what the first process sees.
exec chroot "$root" sh -c 'touch /ready && exec sleep infinity'
