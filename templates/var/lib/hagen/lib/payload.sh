# shellcheck shell=bash
# The disk with what this machine cannot fetch: packages or a system extension, and archives of images. Sourced after
# hagen.sh.

PAYLOAD=/run/hagen/payload

# open_payload: at $PAYLOAD, until the step ends; sentences call it $DISK.
open_payload() {
  local devices device others
  # blkid's cache may know a disk that is no longer there.
  devices=$(blkid -c /dev/null -o device -t LABEL=hagen-payload) || true
  [[ -n $devices ]] || again "no disk with the label hagen-payload is in this machine; put payload.iso into a drive"
  device=$(head -n1 <<<"$devices")
  others=$(tail -n +2 <<<"$devices" | paste -sd' ')
  DISK="the disk hagen-payload ($device${others:+, not $others with the same label})"
  mkdir -p $PAYLOAD
  trap 'umount --quiet $PAYLOAD || true' EXIT
  mountpoint --quiet $PAYLOAD || mount -o ro,nosuid,nodev,noexec "$device" $PAYLOAD ||
    fail "$DISK cannot be mounted; write it again"
}

# whole FILE...: these files of the payload are what was written.
whole() {
  local sums damaged
  sums=$(printf '%s\n' "$@" | awk 'NR == FNR {wanted[$0]; next} substr($0, 67) in wanted' - $PAYLOAD/SHA256SUMS)
  [[ $(grep -c . <<<"$sums" || true) == "$#" ]] ||
    fail "$DISK is not of this document: it lacks one of $*; render with --payload again"
  damaged=$(cd $PAYLOAD && sha256sum --check --quiet <<<"$sums" 2>/dev/null) ||
    fail "$DISK is damaged: ${damaged//$'\n'/, }; write it again"
}
