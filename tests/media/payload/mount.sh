#!/bin/sh
# mount -o OPTIONS DISK FOLDER, by a kernel that has no ISO 9660: bsdtar has read the disk.
exec /usr/bin/mount --bind "$(readlink -f "$3").content" "$4"
