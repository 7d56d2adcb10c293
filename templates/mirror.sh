#!/bin/bash
# mirror.sh DIR: what the machines of {{ cluster }} need and cannot fetch themselves, for `hagen render --payload DIR`.
# It runs where registries are in reach, with skopeo and the access that skopeo is configured with. What is there already
# is not fetched again. ARCH is the machines' processor, as Go calls it: amd64 if it is not said.
set -euo pipefail
fail() {
  printf 'mirror.sh: %s\n' "$1" >&2
  exit 1
}
[[ $# == 1 ]] || fail "usage: mirror.sh DIR"
arch=${ARCH:-amd64}
mkdir -p "$1/images"
cd "$1"

# image NAME TAGGED FILE
image() {
  local archive=$3_$arch.tar
  [[ ! -e images/$archive ]] || return 0
  printf 'fetching %s\n' "$1"
  rm -f "images/.$archive"
  skopeo copy --quiet --override-os linux --override-arch "$arch" "docker://$1" "docker-archive:images/.$archive:$2" ||
    fail "skopeo could not fetch $1"
  mv "images/.$archive" "images/$archive"
}
{%- if packages %}

# packages WORD...: they, and all that they depend on, as for a machine that has nothing; from the sources of this machine,
# which must be of the machines' release.
packages() {
  local options
  command -v apt-ftparchive >/dev/null || fail "apt-ftparchive is missing: install apt-utils"
  mkdir -p packages/partial .apt/lists/partial .apt/cache
  : >.apt/status
  options=(--quiet --quiet --yes --no-install-recommends -o APT::Architecture="$arch" -o APT::Sandbox::User=
    -o Dir::State="$PWD/.apt" -o Dir::State::Lists="$PWD/.apt/lists" -o Dir::State::Status="$PWD/.apt/status"
    -o Dir::Cache="$PWD/.apt/cache" -o Dir::Cache::Archives="$PWD/packages" -o Debug::NoLocking=true)
  apt-get "${options[@]}" update || fail "apt-get could not read the lists of packages"
  printf 'fetching packages\n'
  apt-get "${options[@]}" --download-only install "$@" ||
    fail "apt-get could not fetch the packages; of Kubernetes, this machine's apt knows: $(apt-cache "${options[@]:4}" madison kubeadm | head -n3)"
  sed -n 's/^VERSION_CODENAME=//p' /etc/os-release >packages/codename
  (cd packages && apt-ftparchive packages . >.Packages && mv .Packages Packages)
  rm -rf .apt packages/partial packages/lock
}
{%- endif %}
{%- if extensions %}
[[ $arch == amd64 ]] || fail "Flatcar's system extension is for amd64 alone, and ARCH is $arch"

# extension FILE: it has no place that all agree on.
extension() {
  [[ -e extensions/$1 ]] || fail "put $1 of Flatcar's sysext-bakery into $PWD/extensions, and run this again"
}
{%- endif %}

{% for image in images -%}
image {{ image[0] | shell }} {{ image[1] | shell }} {{ image[2] | shell }}
{% endfor -%}
{% if packages -%}
packages{% for package in packages %} {{ package | shell }}{% endfor %}
{% endif -%}
{% for file in extensions -%}
extension {{ file | shell }}
{% endfor -%}
printf 'all is there: %s\n' "$PWD"
