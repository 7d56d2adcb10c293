#!/bin/bash
# serve.sh [--proxy] INTERFACE: serves this folder to the machines behind INTERFACE until it is stopped. For a lab: it is no
# service, and keeps nothing. --proxy is for a network with another DHCP server. It needs root, dnsmasq and python3.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=/dev/null
. ./serve.env

configuration=dnsmasq.conf
if [[ ${1:-} == --proxy ]]; then
  configuration=proxy.conf
  shift
fi
if (($# != 1)); then
  sed -n 's/^# \(serve.sh.*\)/\1/p' "$0" >&2
  exit 2
fi

HOSTS=$(mktemp -d)
export HOSTS
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$HOSTS"' EXIT
trap 'exit 0' INT TERM
if [[ $HTTP_PLAIN == true ]]; then
  python3 -m http.server --directory http --bind "$HTTP_HOST" "$HTTP_PORT" &
else
  echo "$HTTP_URL is for another server to serve, from the folder $PWD/http"
fi
# As root, for nobody else may read this folder.
dnsmasq --keep-in-foreground --log-facility=- --user=root --pid-file= --leasefile-ro \
  --conf-file="$configuration" --interface="$1" --except-interface=lo --bind-interfaces --tftp-root="$PWD/tftp" \
  --dhcp-hostsdir="$HOSTS" --dhcp-script="$PWD/keep" &
wait -n
