#!/bin/bash
# serve.sh [--proxy] [--no-http] INTERFACE: serves this folder to the machines behind INTERFACE until it is stopped; after
# another render, start it again. For a lab: it is no service, and keeps nothing. --proxy is for a network with another DHCP
# server, --no-http for one with another HTTP server. It needs root, dnsmasq and python3.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=/dev/null
. ./serve.env

configuration=dnsmasq.conf
while [[ ${1:-} == --* ]]; do
  case $1 in
    --proxy) configuration=proxy.conf ;;
    --no-http) HTTP_PLAIN=false ;;
    *) break ;;
  esac
  shift
done
if (($# != 1)) || [[ $1 == -* ]]; then
  sed -n '2,4s/^# //p' "$0" >&2
  exit 2
fi

HOSTS=$(mktemp -d)
export HOSTS
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$HOSTS"' EXIT
trap 'exit 0' INT TERM
if [[ $HTTP_PLAIN == true ]]; then
  # By its whole path: another render replaces the folder that this runs in.
  python3 -m http.server --directory "$PWD/http" --bind "$HTTP_HOST" "$HTTP_PORT" &
else
  echo "$HTTP_URL is for another server to serve, from the folder $PWD/http"
fi
# As root, for nobody else may read this folder.
dnsmasq --keep-in-foreground --log-facility=- --user=root --pid-file= --leasefile-ro \
  --conf-file="$configuration" --interface="$1" --except-interface=lo --bind-interfaces --tftp-root="$PWD/tftp" \
  --dhcp-hostsdir="$HOSTS" --dhcp-script="$PWD/keep" &
wait -n
