# shellcheck shell=bash
# What every step and service of hagen shares: this node's values, and how it says what it is doing.
# Sourced with `set -euo pipefail`. No secret is ever an argument of a program or part of a sentence.

# shellcheck source=/dev/null
. /etc/hagen/node.env
# Where Flatcar's users put programs, /usr being read-only.
export KUBECONFIG=/etc/kubernetes/admin.conf LC_ALL=C PATH=$PATH:/opt/bin

STATE=/var/lib/hagen
STEP=${STEP:-boot}
readonly STATE

# report STATE SENTENCE: to status.json, the login screen, the console and the journal.
# STATE is running, waiting, failed or complete. What is in /run can be written when the disk is full.
report() {
  local state=$1 sentence line quoted status
  sentence=$(printf '%s' "$2" | tr -s '[:cntrl:]' ' ' | tr -cd '[:print:]' | cut -c1-500)
  line="hagen: $NODE_NAME: $state: $STEP: $sentence"
  # Standard output belongs to whoever reads a function's answer.
  printf '%s\n' "$line" >&2
  [[ $line == "$(cat /run/hagen/sentence 2>/dev/null)" ]] && return 0
  quoted=${sentence//\\/\\\\}
  quoted=${quoted//\"/\\\"}
  status="{\"node\":\"$NODE_NAME\",\"state\":\"$state\",\"step\":\"$STEP\",\"message\":\"$quoted\",\"since\":\"$(date -u +%FT%TZ)\"}"
  {
    mkdir -p /run/hagen /run/issue.d
    write /run/hagen/status.json <<<"$status"
    write /run/issue.d/hagen.issue <<<"${line//\\/\\\\}"
    write /run/hagen/sentence <<<"$line"
    mkdir -p $STATE
    write $STATE/status.json <<<"$status"
  } 2>/dev/null || true
  { printf '%s\n' "$line" >/dev/console; } 2>/dev/null || true
  agetty --reload 2>/dev/null || true
}

# fail SENTENCE: report it and end this try; systemd starts the next one.
fail() {
  report failed "$1"
  exit 1
}

# again SENTENCE: nothing is wrong with this machine, but it has to wait; systemd starts the next try.
again() {
  report waiting "$1"
  exit 75
}

# write FILE: standard input becomes the file's content, whole or not at all, also when the power fails.
# The kubelet ignores names that start with a dot.
write() {
  local new
  new=$(dirname "$1")/.${1##*/}.new
  # Not left to `set -e`, which sleeps where a caller looks at the result.
  if ! { cat >"$new" && sync "$new" && mv -f "$new" "$1" && sync "$(dirname "$1")"; }; then
    rm -f "$new"
    return 1
  fi
}

# at_home: whether this is the machine that the bundle was made for; another one is left as it is.
at_home() {
  local here
  [[ -n $(ip -o address show to "$NODE_ADDRESS") ]] && return 0
  here=$(ip -o address show scope global | awk '{print $4 " on " $2}' | paste -sd, | sed 's/,/, /g')
  fail "no interface has $NODE_ADDRESS, the address of $NODE_NAME; this machine has ${here:-none}"
}

# host ADDRESS: as it stands in a URL.
host() {
  if [[ $1 == *:* ]]; then printf '[%s]' "$1"; else printf '%s' "$1"; fi
}

# answers ADDRESS PORT CA [CURL OPTION...]: whether a server that our authority vouches for answers there,
# whatever it says.
answers() {
  local address=$1 port=$2 ca=$3
  shift 3
  curl --silent --output /dev/null --noproxy '*' --connect-timeout 2 --max-time 5 --cacert "$ca" "$@" \
    "https://$(host "$address"):$port/"
}

# certificate FILE: the certificate in a PEM file, or the client's in a kubeconfig.
certificate() {
  case $1 in
  *.conf) sed -n 's/.*client-certificate-data: *//p' "$1" | tr -d '"' | base64 -d ;;
  *) cat "$1" ;;
  esac
}

# lasts FILE SECONDS: whether its certificate is still valid then.
lasts() { certificate "$1" | openssl x509 -noout -checkend "$2" >/dev/null 2>&1; }

# kubeadm_says LOG: the sentence for people in kubeadm's output.
kubeadm_says() {
  local found
  if grep -q 'could not find a JWS signature' "$1"; then
    echo "the bootstrap token is not valid in the cluster (any more); on a control plane run: sudo kubeadm token create --config /etc/hagen/token.yaml"
  elif grep -q 'etcdserver: unhealthy cluster' "$1"; then
    # Only control planes come here, and they have sourced control-plane.sh.
    found=$(silent)
    echo "etcd lets no machine in while another one of it is off${found:+ ($found)}; start it"
  elif found=$(grep -m1 'already exists in the cluster' "$1"); then
    echo "the cluster still holds this machine's old Node $NODE_NAME as Ready; waiting until it no longer is"
  elif found=$(grep -m1 -o '\[ERROR .*' "$1"); then
    echo "kubeadm: $found"
  elif found=$(grep -i 'error' "$1" | grep -v 'stack trace of this error' | tail -n1) && [[ -n $found ]]; then
    echo "kubeadm: $found"
  else
    echo "kubeadm failed without a word; see journalctl -u hagen-firstboot"
  fi
}

# run_kubeadm CHECKS ARGUMENT...: the first try runs every preflight check; a later one ignores CHECKS, which an
# interrupted first try would trip over. The data of etcd is never wiped.
run_kubeadm() {
  local checks=$1 log=/run/hagen-kubeadm.log options=()
  shift
  if [[ -e $STATE/attempted ]]; then
    options=("--ignore-preflight-errors=$checks")
  else
    : | write $STATE/attempted
  fi
  if ! kubeadm "$@" "${options[@]}" 2>&1 | tee $log; then
    # A first try that its own checks ended has changed nothing: the next one is a first try again.
    if ((${#options[@]} == 0)) && grep -q 'Some fatal errors occurred' $log; then
      rm -f $STATE/attempted
    fi
    again "$(kubeadm_says $log)"
  fi
}

# drop_torn: kubeadm and the kubelet do not wait until a file is on the disk, so a power cut leaves empty or half ones,
# at which kubeadm would give up for ever. A whole kubeconfig ends with the client's key; kubeadm makes those anew.
drop_torn() {
  local file name
  for name in admin super-admin controller-manager scheduler kubelet; do
    file=/etc/kubernetes/$name.conf
    [[ -e $file ]] || continue
    tail -n1 "$file" | grep -q -a '^ *client-key' || rm -f "$file"
  done
  file=/var/lib/kubelet/pki/kubelet-client-current.pem
  if [[ -L $file ]] && ! openssl x509 -in "$file" -noout 2>/dev/null; then
    rm -f "$file" /etc/kubernetes/kubelet.conf
  fi
}

# wait_for_token: kubeadm would wait without a word until the cluster vouches for the token that it joins with.
wait_for_token() {
  local id answer
  id=$(sed -n 's/^ *token: "\{0,1\}\([a-z0-9]\{6\}\)\..*/\1/p' /etc/hagen/kubeadm-join.yaml)
  [[ -n $id ]] || return 0
  while true; do
    answer=$(curl --silent --noproxy '*' --connect-timeout 2 --max-time 5 --cacert /etc/hagen/pki/ca.crt \
      "https://$(host "$VIP"):$ENDPOINT_PORT/api/v1/namespaces/kube-public/configmaps/cluster-info") || answer=''
    [[ $answer != *"jws-kubeconfig-$id"* ]] || return 0
    if [[ -z $answer ]]; then
      report waiting "no API server answers at $VIP:$ENDPOINT_PORT yet"
    elif [[ $NODE_PART == worker ]]; then
      report waiting "the bootstrap token is not valid in the cluster (not yet, or no longer); once the cluster is complete, run on a control plane: sudo kubeadm token create --config /etc/hagen/token.yaml"
    else
      report waiting "the cluster does not hold the token to join with yet; a control plane that is complete publishes it within minutes"
    fi
    sleep 3
  done
}

# join: `kubeadm join`, also where an earlier try got far. kubeadm refuses while a Node of this name is Ready, be it
# this machine's own: its kubelet rests until kubeadm starts it again.
join() {
  drop_torn
  wait_for_token
  report running "joining $CLUSTER_NAME"
  [[ ! -e /etc/kubernetes/kubelet.conf ]] || systemctl stop kubelet.service
  run_kubeadm "$RETRY_IGNORES" join --config /etc/hagen/kubeadm-join.yaml
}

set -o errtrace
unexpected() {
  local code=$? line=$1
  report failed "line $line of ${BASH_SOURCE[1]} failed with code $code: $BASH_COMMAND"
}
trap 'unexpected $LINENO' ERR
