# shellcheck shell=bash
# What only control planes know: their peers, etcd's members, whether a cluster lives, which cluster this is.
# Sourced after hagen.sh. CONTROL_PLANES holds name=address of every declared control plane.

# peers: the addresses of the other control planes, one a line.
peers() {
  local entry
  for entry in $CONTROL_PLANES; do
    [[ ${entry%%=*} == "$NODE_NAME" ]] || echo "${entry#*=}"
  done
}

# etcd ADDRESS METHOD BODY: a call of etcd's JSON gateway.
etcd() {
  curl --silent --fail-with-body --noproxy '*' --connect-timeout 2 --max-time 10 --cacert /etc/hagen/pki/etcd-ca.crt \
    --cert /etc/kubernetes/pki/etcd/healthcheck-client.crt --key /etc/kubernetes/pki/etcd/healthcheck-client.key \
    --request POST --data "$3" "https://$(host "$1"):2379/v3/$2"
}

# members ADDRESS: etcd's members as a majority knows them, one JSON object a line; fails without a majority.
# Releases of etcd put their spaces differently.
members() {
  local list
  list=$(etcd "$1" cluster/member/list '{"linearizable":true}' | tr -d '[:space:]' |
    sed -e 's/.*"members":\[//' -e 's/\]}$//' -e 's/},{/}\n{/g') || return 1
  # A member may be removed by what is read here: one line, one member, or nothing.
  [[ $(wc -l <<<"$list") == "$(grep -o '"ID":"[0-9]*"' <<<"$list" | wc -l)" ]] || return 1
  echo "$list"
}

# living: a line about where a cluster lives; fails when nothing that our authorities vouch for answers.
# All are asked at once, for a machine that is off answers nothing for seconds.
living() {
  local address found
  found=$(
    api_lives "$VIP" &
    for address in $(peers); do
      api_lives "$address" &
      etcd_lives "$address" &
    done
    wait
  )
  [[ -n $found ]] && echo "${found%%$'\n'*}"
}

api_lives() {
  if answers "$1" "$ENDPOINT_PORT" /etc/hagen/pki/ca.crt; then echo "the API at $1"; fi
}

etcd_lives() {
  if answers "$1" 2379 /etc/hagen/pki/etcd-ca.crt --cert /etc/kubernetes/pki/etcd/healthcheck-client.crt \
    --key /etc/kubernetes/pki/etcd/healthcheck-client.key; then echo "etcd at $1"; fi
}

# silent: names of the other control planes whose etcd does not answer.
silent() {
  local entry names=()
  for entry in $CONTROL_PLANES; do
    [[ ${entry%%=*} == "$NODE_NAME" || -n $(etcd_lives "${entry#*=}") ]] || names+=("${entry%%=*}")
  done
  echo "${names[*]}"
}

# has_data: whether etcd has begun a store here. It makes the folder before it talks to anyone.
has_data() { [[ -e /var/lib/etcd/member ]]; }

# sign AUTHORITY SUBJECT FOLDER: a client's key and certificate, as FOLDER/key and FOLDER/certificate.
sign() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$3/key"
  openssl req -new -key "$3/key" -subj "$2" -out "$3/request"
  printf '%s\n' 'keyUsage=critical,digitalSignature,keyEncipherment' 'extendedKeyUsage=clientAuth' \
    'basicConstraints=critical,CA:FALSE' 'authorityKeyIdentifier=keyid' >"$3/extensions"
  openssl x509 -req -in "$3/request" -CA "$1.crt" -CAkey "$1.key" -set_serial "0x$(openssl rand -hex 16)" \
    -days $((CERTIFICATE_SECONDS / 86400)) -extfile "$3/extensions" -out "$3/certificate" 2>/dev/null
}

# old_node_rests: waits until the cluster sees no Node of this name as Ready, for kubeadm would refuse to join before;
# and whoever boots a second machine with this seed must not take the first one's place in etcd. Where a machine joins
# by token, the token is proof enough: the caretaker publishes it only while a control plane is missing.
old_node_rests() {
  local ready
  wait_for_token
  [[ -e /etc/hagen/join.conf ]] || return 0
  while true; do
    ready=$(kubectl --kubeconfig /etc/hagen/join.conf --server "https://$(host "$VIP"):$ENDPOINT_PORT" \
      --request-timeout 10s get node "$NODE_NAME" --ignore-not-found \
      --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') ||
      again "the cluster cannot be asked for this machine's old Node yet"
    [[ $ready == True ]] || return 0
    report waiting "the cluster still sees a Node $NODE_NAME as Ready: this machine's old one rests within a minute, unless another machine runs with this seed"
    sleep 5
  done
}

# forget_old_member: this machine's disk is empty, so a member of etcd with its name or its peer URL is a stale one.
# etcd would crash on a member that forgot its log, and kubeadm would reuse the entry.
forget_old_member() {
  local address list='' id answer
  for address in $(peers); do
    list=$(members "$address") && break
  done
  [[ -n $list ]] || again "etcd has no majority that could let $NODE_NAME in; start the other control planes"
  while read -r id; do
    old_node_rests </dev/null
    # Should etcd have come up meanwhile, it is no stale member.
    has_data && again "etcd has a store on this machine after all"
    report running "removing the stale member $id of etcd, which was this machine before its disk was emptied"
    answer=$(etcd "$address" cluster/member/remove "{\"ID\":\"$id\"}") ||
      again "etcd does not let its stale member $id go (it needs a healthy majority): ${answer:-no answer}"
    # A member's ID is made of its URL and the second: the same second would give the same ID.
    sleep 2
  done < <(grep -F -e "\"name\":\"$NODE_NAME\"" -e "\"https://$(host "$NODE_ADDRESS"):2380\"" <<<"$list" |
    grep -o '"ID":"[0-9]*"' | grep -o '[0-9]*' || true)
}

# local_api ARGUMENT...: kubectl against this machine's own API server, as its administrator.
local_api() {
  kubectl --server "https://$(host "$NODE_ADDRESS"):$ENDPOINT_PORT" --request-timeout 20s "$@"
}

# publish_token SECONDS: the bootstrap token is valid until then (since 1970).
publish_token() {
  # --server-side: the client's way would copy the token into an annotation.
  sed "s/@EXPIRATION@/$(date -u -d "@$1" +%FT%TZ)/" /etc/hagen/token-secret.yaml |
    local_api --namespace kube-system apply --server-side --force-conflicts --filename - >/dev/null
}

# use_vip: the endpoint's name means the VIP from here on.
use_vip() {
  [[ ! -e /etc/hagen/hosts ]] || cmp -s /etc/hagen/hosts /etc/hosts || write /etc/hosts </etc/hagen/hosts
}

# identity ADDRESS: UID and birth of the cluster that the API server at ADDRESS serves.
identity() {
  # kubectl would ask a machine that is off again and again.
  answers "$1" "$ENDPOINT_PORT" /etc/hagen/pki/ca.crt || return 1
  kubectl --server "https://$(host "$1"):$ENDPOINT_PORT" --request-timeout 5s \
    get --raw /api/v1/namespaces/kube-system 2>/dev/null |
    sed -n 's/.*"uid":"\([^"]*\)".*"creationTimestamp":"\([^"]*\)".*/\1 \2/p' | grep .
}
