#!/bin/sh
# boot STAGE...: cloud-init's stages, as its units would run them. What is left in /run goes to /run/formats and stays.
export PATH="/run/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
for stage; do
  # shellcheck disable=SC2086 # words
  cloud-init $stage >/run/formats/said 2>&1 || { echo "cloud-init $stage ended with $?"; cat /run/formats/said; }
done
cloud-init status --long >/run/formats/status 2>&1
cp -a /run/cloud-init /run/formats/
