#!/bin/bash
# Brings what the machines' drives read, each machine's seed.iso and the payload.iso of all, to their storage. Run on
# the Proxmox node, or anywhere with --api.
. "$(dirname "$(readlink -f "$0")")/hagen.sh"

usage() {
  cat <<'END'
usage: upload.sh [--apply] [NODE...]
       upload.sh --api https://pve:8006 --token-file FILE [--host PVE] [--apply] [NODE...]

Brings each machine's seed.iso, and payload.iso if there is one, to ISO_STORAGE: on the Proxmox node by copying, from
elsewhere by the API. It prints what it would do; --apply does it. What is there already is left alone: its name holds
its digest.

  --apply            do it
  --api URL          by the API of this Proxmox node
  --token-file FILE  an API token, USER@REALM!NAME=SECRET; - reads it from standard input. It needs
                     Datastore.AllocateTemplate and Datastore.Audit on /storage/ISO_STORAGE
  --host PVE         the Proxmox node of machines for which the document names none
  NODE               these machines only

ISO_STORAGE in the environment replaces what the document says. A certificate of Proxmox' own authority
(/etc/pve/pve-root-ca.pem) is accepted with CURL_CA_BUNDLE=FILE.
END
}

api='' token_file='' default_host=''
while (($#)); do
  case $1 in
    --api | --token-file | --host) [[ ${2:-} ]] || fail "$1 wants a value; --help says which" ;;&
    --api) api=$2 && shift ;;
    --token-file) token_file=$2 && shift ;;
    --host) default_host=$2 && shift ;;
    *) takes "$1" ;;
  esac
  shift
done

# On the Proxmox node.
copy_files() {
  is_here || return 0
  files copy
}

# One request. The token goes through a pipe, for everybody may read the arguments of a process.
call() {
  local answer
  answer=$(printf 'header = "Authorization: PVEAPIToken=%s"\n' "$token" |
    curl --config - --silent --show-error --fail-with-body "${@:2}" "$api/api2/json/nodes/$1" 2>&1) ||
    fail "$api refuses: $answer"
  printf '%s\n' "$answer"
}

# By the API.
send_files() {
  host=${host:-$default_host}
  [[ $host ]] || fail "which Proxmox node is $name on? say it with --host, or proxmox.host in the document"
  files send
}

send() {
  first "$host/$volume" || return 0
  local list size task at state source
  have
  list=$(call "$host/storage/$iso_storage/content?content=iso")
  size=$(tr '{' '\n' <<<"$list" | { grep -F "\"volid\":\"$volume\"" || true; } | field size)
  [[ $size != "$(stat -c %s "$source")" ]] || return 0
  note "$file goes to $volume on $host"
  [[ $apply ]] || return 0
  # In this order, for so PVE's parser wants it; and it knows no `Expect: 100-continue`.
  task=$(call "$host/storage/$iso_storage/upload" --header Expect: --form content=iso --form checksum-algorithm=sha256 \
    --form "checksum=$sha256" --form "filename=@$source;filename=${volume##*/}" | field data)
  # The task is the Proxmox node's that was asked, whose storage it may be.
  at=${task#UPID:} at=${at%%:*}
  until
    state=$(call "$at/tasks/$task/status") || exit
    [[ $(field status <<<"$state") == stopped ]]
  do
    sleep 1
  done
  [[ $(field exitstatus <<<"$state") == OK ]] || fail "PVE did not take ${volume##*/}: $(field exitstatus <<<"$state")"
}

if [[ ! $api ]]; then
  on_proxmox
  each copy_files
  exit
fi
[[ $token_file ]] || fail "--api wants --token-file"
[[ $token_file == - ]] && token_file=/dev/stdin
token=$(<"$token_file")
[[ $token =~ ^[^@[:space:]\"]+@[^!@[:space:]\"]+![^=[:space:]\"]+=[-0-9a-fA-F]+$ ]] ||
  fail "$token_file does not hold USER@REALM!NAME=SECRET"
each send_files
