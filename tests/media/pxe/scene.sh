#!/bin/bash
# scene.sh FOLDER [OPTION...] QEMU-OPTION...: a lab in network and process namespaces of its own, whose first process this is.
# A bridge with the address that the document names; out/pxe/serve.sh on it; and one machine, whose NICs n0 and n1 are on it.
# QEMU 7.2 gets cmpxchg16b wrong when it emulates two processors at once, hence a processor without it.
# What is said goes to serve.log and serial.log in FOLDER.
#   --proxy             another DHCP server is on the bridge
#   --apart             the NIC n0 has a carrier, and leads nowhere
#   --matchbox PROGRAM  serves instead of serve.sh
set -euo pipefail
folder=$1
shift
options=() proxy='' apart='' matchbox=''
while :; do
  case $1 in
    --proxy) proxy=1 ;;
    --apart) apart=1 ;;
    --matchbox) matchbox=$2 && shift ;;
    *) break ;;
  esac
  shift
done
ip link set lo up
ip link add br0 type bridge
ip address add 10.9.0.2/24 dev br0
ip link set br0 up
for tap in tap0 tap1; do
  ip tuntap add "$tap" mode tap
  ip link set "$tap" master br0 up
done
[[ ! $apart ]] || ip link set tap0 nomaster
if [[ $matchbox ]]; then
  options+=(--no-http)
  "$matchbox" -address 10.9.0.2:8080 -data-path "$folder/out/pxe/matchbox" -assets-path "$folder/out/pxe/http" \
    -log-level debug >"$folder/site.log" 2>&1 &
fi
if [[ $proxy ]]; then
  options+=(--proxy)
  unshare --net sleep infinity &
  site=$!
  # Until it is in its own namespace.
  until [[ $(readlink "/proc/$site/ns/net") != "$(readlink /proc/self/ns/net)" ]]; do sleep 0.1; done
  ip link add site0 type veth peer name site1
  ip link set site1 netns "$site"
  ip link set site0 master br0 up
  nsenter --target "$site" --net sh -c 'ip address add 10.9.0.1/24 dev site1; ip link set site1 up'
  nsenter --target "$site" --net dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --user=root --pid-file= \
    --leasefile-ro --interface=site1 --bind-interfaces --dhcp-range=10.9.0.100,10.9.0.150 --log-facility=- \
    2>"$folder/site.log" &
fi
"$folder/out/pxe/serve.sh" "${options[@]}" br0 >"$folder/serve.log" 2>&1 &
exec qemu-system-x86_64 -nodefaults -display none -machine q35,usb=off,graphics=off -cpu max,-cx16 \
  -accel tcg,thread=multi,tb-size=512 -no-reboot -device virtio-rng-pci -serial "file:$folder/serial.log" \
  -netdev tap,id=n0,ifname=tap0,script=no,downscript=no -netdev tap,id=n1,ifname=tap1,script=no,downscript=no "$@"
