# shellcheck shell=sh
# Sourced by what runs in a mount namespace of its own: the disk $folder/upper over the root $base, at $root.
# shellcheck disable=SC2154 # base, folder
root=$folder/root
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$base,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
for path in dev run tmp; do
  mount -t tmpfs tmpfs "$root/$path"
done
# None of the host's disks: cloud-init looks for some.
for device in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 0666 "$root/dev/${device%:*}" c 1 "${device#*:}"
done
ln -s /proc/self/fd "$root/dev/fd"
chmod 1777 "$root/tmp"
ip link set lo up
