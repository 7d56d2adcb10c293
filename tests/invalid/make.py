#!/usr/bin/env python3
"""Writes the wrong documents of this directory; `HAGEN_BLESS=1 cargo test --test invalid` writes the texts.

Each is a good document with one change, so that the change is all that a reader has to look at.
Documents whose bytes matter (CRLF, byte order mark, tabs) are written here for that reason too.
"""
import pathlib

HERE = pathlib.Path(__file__).parent
NODES = """\
nodes:
  - {name: cp1, role: control-plane, address: 10.9.0.11/24}
  - {name: cp2, role: control-plane, address: 10.9.0.12/24}
  - {name: cp3, role: control-plane, address: 10.9.0.13/24}
  - {name: w1, role: worker, address: 10.9.0.21/24}
"""
HEAD = """\
name: homelab
kubernetes: {version: 1.36.3}
endpoint: {vip: 10.9.0.10}
"""


def write(name, text):
    (HERE / f"{name}.yaml").write_bytes(text.encode())


def more(name, extra):
    write(name, HEAD + extra + NODES)


def kubernetes(name, extra):
    write(name, f"name: homelab\nkubernetes:\n  version: 1.36.3\n{extra}endpoint: {{vip: 10.9.0.10}}\n" + NODES)


def endpoint(name, text):
    write(name, f"name: homelab\nkubernetes: {{version: 1.36.3}}\nendpoint:\n{text}" + NODES)


def node(name, fields, role="worker", who="w2", address="10.9.0.22/24"):
    write(name, HEAD + NODES + f"  - name: {who}\n    role: {role}\n    address: {address}\n{fields}")


def nodes(name, text, head=HEAD):
    write(name, head + "nodes:\n" + text)


# The text itself.
write("text-tab", HEAD + "network:\n\tgateway: 10.9.0.1\n" + NODES)
write("text-open-quote", HEAD.replace("homelab", '"homelab') + NODES)
write("text-unknown-alias", HEAD + "users: *people\n" + NODES)
write("text-too-deep", HEAD + "files: " + "[" * 70 + "]" * 70 + "\n" + NODES)
write("text-two-documents", HEAD + NODES + "---\nname: second\n")
write("text-empty", "# nothing but a comment\n")
write("text-duplicate-key", HEAD + "name: other\n" + NODES)
write("text-number-as-key", HEAD + NODES + "1: one\n")
write("text-list-as-key", HEAD + NODES + "? [a, b]\n: c\n")
write("text-unknown-tag", HEAD.replace("homelab", "!vault homelab") + NODES)
write("text-merge-of-scalar", HEAD + "network: {<<: nothing}\n" + NODES)
write("text-two-merges-of-one-mistake", HEAD + """\
users: [&one {name: ops, shell: zsh}, {<<: *one, name: dev}]
""" + NODES)
write("text-recursive-alias", HEAD + "files: &all [*all]\n" + NODES)

# Shape.
more("shape-unknown-key", "netwrok: {gateway: 10.9.0.1}\n")
more("shape-key-at-wrong-place", "podSubnet: 10.244.0.0/16\n")
kubernetes("shape-key-of-another-tool", "  clusterCIDR: 10.244.0.0/16\n")
write("shape-missing-vip", HEAD.replace("vip: 10.9.0.10", "port: 6443") + NODES)
write("shape-missing-everything", "name: homelab\n")
write("shape-no-value", HEAD.replace("homelab", "") + NODES)
nodes("shape-missing-role", "  - name: cp1\n    address: 10.9.0.11/24\n")
nodes("shape-missing-address", "  - name: cp1\n    role: control-plane\n")
more("shape-list-for-mapping", "network: [10.9.0.1]\n")
more("shape-scalar-for-list", "manifests: good.yaml\n")
more("shape-mapping-for-text", "os: {name: debian}\n")
write("shape-list-as-document", "- name: homelab\n")
endpoint("shape-yes-is-text", "  vip: 10.9.0.10\n  kubeVip: {services: yes}\n")
endpoint("shape-quoted-number", '  vip: 10.9.0.10\n  port: "6443"\n')
endpoint("shape-number-out-of-range", "  vip: 10.9.0.10\n  port: 70000\n")
endpoint("shape-octal-number", "  vip: 10.9.0.10\n  port: 06443\n")
more("shape-mtu-out-of-range", "network: {mtu: 576}\n")
kubernetes("shape-unknown-choice", "  proxy: {mode: iptable}\n")
kubernetes("kubernetes-cgroup-driver", "  kubelet: {cgroupDriver: systmd}\n")
kubernetes("shape-argument-without-value", "  apiServer:\n    extraArgs:\n      audit-log-path:\n")

# Values.
write("value-cluster-name", HEAD.replace("homelab", "HomeLab") + NODES)
for name, version in [("minor", "1.36"), ("pre-release", "1.37.0-rc.1"), ("stable", "stable-1"), ("text", "new")]:
    write(f"value-version-{name}", HEAD.replace("1.36.3", version) + NODES)
write("value-address", HEAD.replace("10.9.0.10", "10.9.0.321") + NODES)
write("value-vip-with-prefix", HEAD.replace("10.9.0.10", "10.9.0.10/24") + NODES)
node("value-address-without-prefix", "", address="10.9.0.22")
node("value-prefix", "", address="10.9.0.22/33")
node("value-node-name-upper-case", "", who="W2")
node("value-node-name-dots", "", who="w2.example.com")
node("value-node-name-too-long", "", who="w" * 64)
node("value-mac-short", "    mac: 52:54:00:00:0b\n")
node("value-mac-not-hex", "    mac: 52:54:00:00:00:0g\n")
node("value-mac-multicast", "    mac: 53:54:00:00:00:0b\n")
node("value-interface-too-long", "    interface: enp0s31f6np0d1v12\n")
node("value-label-key", "    labels: {-rack: a}\n")
node("value-label-value", "    labels: {rack: a b}\n")
node("value-taint-effect", "    taints: [{key: dedicated, effect: NoScheduled}]\n")
kubernetes("value-range-host-bits", "  podSubnet: 10.244.1.0/16\n")
kubernetes("value-dns-domain", "  dnsDomain: cluster.local.\n")
kubernetes("value-image-repository", "  imageRepository: https://registry.k8s.io\n")
kubernetes("value-san", "  apiServer: {certSANs: [10.9.0.300, api.*.example.com]}\n")
kubernetes("value-flag-with-dashes", "  kubeletExtraArgs: {--v: 4}\n")
kubernetes("value-number-for-json", "  kubelet: {maxPods: .inf}\n")
more("value-duration-days", "bootstrap: {window: 7d}\n")
more("value-duration-without-unit", "bootstrap: {window: 168}\n")
more("value-file-mode", "files: [{path: /etc/motd, content: hello, mode: 420}]\n")
more("value-file-owner", "files: [{path: /etc/motd, content: hello, owner: root}]\n")
more("value-user-name", "users: [{name: 1st}]\n")
more("value-time-server", "network: {ntp: [not a server]}\n")
endpoint("value-image-without-tag", "  vip: 10.9.0.10\n  kubeVip: {image: ghcr.io/kube-vip/kube-vip}\n")

more("value-proxmox-storage", "proxmox: {storage: 'local-lvm:'}\n")
more("value-proxmox-host", "proxmox: {host: pve1.example.org}\n")
more("value-proxmox-bridge", "proxmox: {bridge: vmbr0@20}\n")
more("value-proxmox-image", "proxmox: {image: 'https://cloud.debian.org/debian-13.qcow2'}\n")
more("value-proxmox-image-ending", "proxmox: {image: 'local:import/flatcar_production_proxmoxve_image.img'}\n")
node("shape-proxmox-vmid", "    proxmox: {vmid: 99}\n")
more("shape-proxmox-memory", "proxmox: {memory: 4GiB}\n")

# Planned, and refused until it works.
for key, text in {
    "software": "software: {source: apt}\n",
    "registries": "registries: {docker.io: {mirrors: [10.9.0.5]}}\n",
    "strategy": "bootstrap: {strategy: quorum}\n",
    "absent": "bootstrap: {absent: [cp2]}\n",
    "topology": "etcd: {topology: external}\n",
}.items():
    more(f"planned-{key}", text)
kubernetes("planned-patches", "  patches: ./patches\n")
endpoint("planned-provider", "  vip: 10.9.0.10\n  provider: keepalived\n")
endpoint(
    "planned-kube-vip",
    "  vip: 10.9.0.10\n  kubeVip:\n    mode: bgp\n    loadBalancer: true\n    bgp: {as: 65000}\n",
)
node("planned-role", "", role="load-balancer")

# What machines with static addresses need.
write("addresses-static-without-gateway",
      HEAD + "network: {nameservers: [10.9.0.1]}\n" + NODES.replace("{name: w1,", "{name: w1, mac: 52:54:00:00:00:22,"))
write("addresses-static-without-nameserver",
      HEAD + "network: {gateway: 10.9.0.1}\n" + NODES.replace("{name: w1,", "{name: w1, interface: eth0,"))
more("addresses-network-of-nobody", "network: {mtu: 9000, ntp: [10.9.0.1]}\n")
more("addresses-loopback-nameserver", "network: {nameservers: [127.0.0.1]}\n")
more("addresses-vip-is-a-nameserver", "network: {nameservers: [10.9.0.10]}\n")
kubernetes("ranges-three", "  podSubnet: [10.244.0.0/16, \"fd00:10:244::/56\", 10.245.0.0/16]\n")
kubernetes("ranges-pods-of-other-family", "  podSubnet: \"fd00:10:244::/56\"\n")
node("ranges-worker-of-other-family", "", address="fd00::21/64")
kubernetes("ranges-node-mask-flag", "  controllerManager: {extraArgs: {node-cidr-mask-size: 25}}\n")
kubernetes("ranges-node-mask-number", "  controllerManager: {extraArgs: {node-cidr-mask-size-ipv4: 33}}\n")
kubernetes("kubernetes-owned-argument-with-underscores", "  kubeletExtraArgs: {node_ip: 10.9.0.11}\n")
kubernetes("kubernetes-owned-cluster-domain", "  kubelet: {clusterDomain: other.local}\n")
kubernetes("value-preflight-with-comma", "  ignorePreflightErrors: [\"NumCPU,Mem\"]\n")
kubernetes("value-image-repository-with-tag", "  imageRepository: registry.local/k8s:v1\n")
kubernetes("kubernetes-volumes", """\
  apiServer:
    extraVolumes:
      - {name: k8s-certs, hostPath: /var/a, mountPath: /var/a}
      - {name: audit, hostPath: /var/b, mountPath: /var/b}
      - {name: audit, hostPath: /var/c, mountPath: /var/c}
""")
more("containerd-version", "containerd: {extraConfig: \"version = 3\"}\n")
more("containerd-newer-table", "containerd: {extraConfig: '[plugins.\"io.containerd.cri.v1.runtime\"]'}\n")
more("users-key-of-other-type", "users:\n  - name: ops\n    sshAuthorizedKeys: [ssh-rsa "
     "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f]\n")
more("users-key-cut-short", "users:\n  - name: ops\n    sshAuthorizedKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAB]\n")
write("many-blank-after-colon", HEAD.replace("{vip: 10", "{vip:10") + NODES)
write("text-blank-after-name", HEAD.replace("name: ", "name:") + NODES)
more("ranges-nameserver-in-service-range", "network: {nameservers: [10.9.0.1, 10.96.0.10]}\n")
kubernetes("kubernetes-deprecated-proxy-mode", "  proxy: {mode: ipvs}\n")

# Ten mistakes of ten rules, behind a byte order mark, with CRLF, umlauts, an anchor and a merge key.
TEN = """\
# Größe: drei Räume
name: Prüfstand
kubernetes: {version: 1.36, dnsDomian: cluster.local, serviceSubnet: 10.96.0.0/30}
endpoint: {vip: 10.8.0.10, port: 70000}
users: [{name: root, sudo: true}]
network: {gateway: 10.7.0.1, nameservers: [10.9.0.1]}
bootstrap: {window: 0s, strategy: quorum}
x-defaults: &worker {role: worker, labels: {ort: büro}}
nodes:
  - {name: cp1, role: control-plane, address: 10.9.0.11/24}
  - {<<: *worker, name: w1, address: 10.9.0.21/24}
  - {<<: *worker, name: w2, address: 10.9.0.21/24, mac: 01:00:5e:00:00:01}
"""
(HERE / "many-ten-rules.yaml").write_bytes(b"\xef\xbb\xbf" + TEN.replace("\n", "\r\n").encode())

# Secrets files; what is wrong with them is said without their text.
SEED = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
write("secrets-not-yaml", "version: [1\n")
write("secrets-unknown-key", f"version: 1\nseed: {SEED}\nissuedAt: 2026-11-01T12:00:00Z\ntoken: abc\n")
write("secrets-missing-seed", "version: 1\nissuedAt: 2026-11-01T12:00:00Z\n")
write("secrets-newer", f"version: 2\nseed: {SEED}\nissuedAt: 2026-11-01T12:00:00Z\n")
write("secrets-older", f"version: 0\nseed: {SEED}\nissuedAt: 2026-11-01T12:00:00Z\n")
write("secrets-short-seed", "version: 1\nseed: BwcHBwc=\nissuedAt: 2026-11-01T12:00:00Z\n")
write("secrets-issued-at", f"version: 1\nseed: {SEED}\nissuedAt: 2026-11-01\n")
write("secrets-imported-authority", f"""\
version: 1
seed: {SEED}
issuedAt: 2026-11-01T12:00:00Z
import:
  ca:
    certificate: not PEM
    key: not PEM
""")
# Good files, but old at the day that the test renders on.
write("expiry-expired", f"version: 1\nseed: {SEED}\nissuedAt: 2025-10-01T12:00:00Z\n")
write("expiry-soon", f"version: 1\nseed: {SEED}\nissuedAt: 2025-12-01T12:00:00Z\n")

# Files beside the document.
more("file-manifest-missing", "manifests: [./no-such-file.yaml]\n")
more("file-source-missing", "files: [{path: /etc/motd, source: no-such-file}]\n")
more("file-manifest-not-yaml", "manifests: [manifests/tab.txt]\n")
more("file-manifest-without-kind", "manifests: [manifests/no-kind.txt]\n")
more("file-manifest-empty", "manifests: [manifests/empty.txt]\n")
more("file-manifest-not-utf-8", "manifests: [manifests/latin-1.txt]\n")
(HERE / "manifests").mkdir(exist_ok=True)
(HERE / "manifests/tab.txt").write_text("apiVersion: v1\nkind: Namespace\nmetadata:\n\tname: cni\n")
(HERE / "manifests/no-kind.txt").write_text(
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: cni}\n---\napiVersion: v1\nmetadata: {name: cni}\n"
)
(HERE / "manifests/empty.txt").write_text("# later\n---\n")
(HERE / "manifests/latin-1.txt").write_bytes(b"apiVersion: v1\nkind: Namespace # gr\xfcn\n")

# Nodes.
node("nodes-duplicate-name", "", who="cp1")
node("nodes-duplicate-address", "", address="10.9.0.11/24")
nodes(
    "nodes-duplicate-mac",
    "  - {name: cp1, role: control-plane, address: 10.9.0.11/24, mac: 52:54:00:00:00:0b}\n"
    "  - {name: w1, role: worker, address: 10.9.0.21/24, mac: 52-54-00-00-00-0B}\n",
    HEAD + "network: {gateway: 10.9.0.1, nameservers: [10.9.0.1]}\n",
)
nodes(
    "nodes-duplicate-vmid",
    "  - {name: cp1, role: control-plane, address: 10.9.0.11/24}\n"
    "  - {name: w1, role: worker, address: 10.9.0.21/24, proxmox: {vmid: 8011}}\n",
    HEAD + "proxmox: {vmidBase: 8000}\n",
)
node("nodes-reserved-name", "", who="localhost")
endpoint("nodes-name-of-endpoint", "  vip: 10.9.0.10\n  name: w1\n")
write("nodes-none", HEAD + "nodes: []\n")
nodes("nodes-no-control-plane", "  - {name: w1, role: worker, address: 10.9.0.21/24}\n")
node("nodes-even-control-planes", "", role="control-plane", who="cp4")
node("nodes-certificates-of-worker", "    certificates: embed\n")
nodes(
    "nodes-roles-of-control-plane",
    "  - {name: cp1, role: control-plane, address: 10.9.0.11/24, roles: [gpu]}\n",
)
node("nodes-reserved-role", "    roles: [etcd]\n")
node("nodes-role-too-long", f"    roles: [{'r' * 59}]\n")
node(
    "nodes-forbidden-label",
    "    labels:\n      node-role.kubernetes.io/gpu: ''\n      kubernetes.io/tier: gold\n"
    "      topology.kubernetes.io/zone: a\n      hagen.io/role.gpu: ''\n",
)
node("nodes-duplicate-taint", "    taints: [{key: a, value: x, effect: NoSchedule}, {key: a, effect: NoSchedule}]\n")

# Addresses.
write("addresses-vip-outside-subnet", HEAD.replace("10.9.0.10", "10.9.1.10") + NODES)
write("addresses-vip-of-other-family", HEAD.replace("10.9.0.10", "fd00::10") + NODES)
nodes(
    "addresses-control-plane-outside-vip-subnet",
    "  - {name: cp1, role: control-plane, address: 10.9.0.11/24}\n"
    "  - {name: cp2, role: control-plane, address: 10.9.0.12/24}\n"
    "  - {name: cp3, role: control-plane, address: 10.9.1.13/24}\n",
)
node("addresses-worker-outside-vip-subnet-warns", "", address="10.9.1.22/24")
write("addresses-vip-is-a-node", HEAD.replace("10.9.0.10", "10.9.0.12") + NODES)
more("addresses-vip-is-the-gateway", "network: {gateway: 10.9.0.10}\n")
# Only an address that is no node's neighbour can be in a range that no node is in: two mistakes in one.
write("many-vip-in-service-range", HEAD.replace("10.9.0.10", "10.96.0.10") + NODES)
more("addresses-node-is-the-gateway", "network: {gateway: 10.9.0.21}\n")
node("addresses-network-address", "", address="10.9.0.0/24")
node("addresses-broadcast-address", "", address="10.9.0.255/24")
node("addresses-loopback", "", address="127.0.0.5/8")
more("addresses-gateway-outside-subnet", "network: {gateway: 10.9.1.1}\n")

# A machine's own network.
SHARED = "network: {gateway: 10.9.0.1, nameservers: [10.9.0.1]}\n"


def network(name, text, fields="", shared=SHARED):
    """One more worker, with these devices."""
    lines = "".join(f"      {line}\n" for line in text.strip("\n").splitlines())
    write(f"network-{name}", HEAD + shared + NODES + "  - name: w2\n    role: worker\n    address: 10.9.0.22/24\n"
          + fields + "    network:\n" + lines)


ETH0 = "ethernets: {eth0: {addresses: [10.9.0.22/24]}, eth1: {}, eth2: {}}\n"
network("name-of-two-kinds", ETH0 + "bonds: {eth0: {interfaces: [eth1, eth2]}}")
network("loopback", ETH0.replace("eth1: {}", "lo: {addresses: [10.8.0.22/32]}"))
network("set-name-taken", """\
ethernets:
  eth0: {addresses: [10.9.0.22/24]}
  one: {match: {macaddress: 52:54:00:00:00:01}, set-name: eth0}
  two: {match: {macaddress: 52:54:00:00:00:02}, set-name: lan1}
  three: {match: {macaddress: 52:54:00:00:00:03}, set-name: lan1}
""")
network("unknown-member", ETH0 + "bonds: {bond0: {interfaces: [eth1, eth3]}}\nbridges: {br0: {interfaces: [eth4]}}")
network("unknown-link", ETH0 + "vlans: {vlan5: {id: 5, link: bond0}}")
network("unknown-interface", ETH0.replace("addresses: [10.9.0.22/24]", ""), "    interface: lan0\n")
network("member-twice", ETH0 + "bonds: {bond0: {interfaces: [eth1, eth2, eth1]}}\nbridges: {br0: {interfaces: [eth2]}}")
network("bridge-in-bridge", ETH0 + """\
bonds: {bond0: {interfaces: [bond1]}, bond1: {interfaces: [eth1]}}
bridges: {br0: {interfaces: [eth2]}, br1: {interfaces: [br0, bond0]}}
""")
network("member-with-settings", """\
ethernets:
  eth0: {addresses: [10.9.0.22/24]}
  eth1: {dhcp4: true}
  eth2: {addresses: [10.8.0.22/24]}
  eth3: {nameservers: {addresses: [10.9.0.1]}}
bonds: {bond0: {interfaces: [eth1, eth2]}}
bridges: {br0: {interfaces: [eth3]}}
""")
network("member-gets-address", "ethernets: {eth0: {}}\nbonds: {bond0: {interfaces: [eth0]}}", "    interface: eth0\n")
network("names-without-address", ETH0.replace("eth1: {}", "eth1: {nameservers: {addresses: [10.9.0.2]}}"))
network("no-members", ETH0 + "bonds: {bond0: {interfaces: []}}\nbridges: {br0: {interfaces: []}}")
network("loop", ETH0 + """\
bonds: {bond0: {interfaces: [vlan5]}}
vlans: {vlan5: {id: 5, link: br0}, vlan6: {id: 6, link: vlan5}}
bridges: {br0: {interfaces: [bond0]}}
""")
network("address-nowhere", "ethernets: {eth0: {addresses: [10.9.0.23/24], dhcp6: true}}")
network("address-with-other-prefix", "ethernets: {eth0: {addresses: [10.9.0.22/16]}}")
network("address-on-two-devices", ETH0.replace("eth1: {}", "eth1: {addresses: [10.9.0.22/24]}"))
network("address-of-another-node", ETH0.replace("eth1: {}", "eth1: {addresses: [10.9.0.11/24, 'fe80::1/64']}"))
network("address-is-the-vip", ETH0.replace("eth1: {}", "eth1: {addresses: [10.9.0.10/24]}"))
network("address-is-the-gateway", ETH0.replace("eth1: {}", "eth1: {addresses: [10.9.0.1/24]}"))
network("address-unusable", ETH0.replace("eth1: {}", "eth1: {addresses: [127.0.0.2/8]}"))
network("address-is-the-network", ETH0.replace("eth1: {}", "eth1: {addresses: [10.8.0.0/24]}"))
network("address-in-service-range", ETH0.replace("eth1: {}", "eth1: {addresses: [10.96.0.5/16]}"))
network("mac-beside", ETH0, "    mac: 52:54:00:00:00:22\n")
network("mac-twice", """\
ethernets:
  eth0: {match: {macaddress: 52:54:00:00:00:01}, addresses: [10.9.0.22/24]}
  eth1: {match: {macaddress: 52-54-00-00-00-01}}
""")
network("gateway-outside-subnet", ETH0.replace("eth1: {}", """\
eth1: {addresses: [10.8.0.22/24], routes: [
  {to: 10.7.0.0/16, via: 10.9.0.7}, {to: 10.6.0.0/16, via: 10.8.0.7}]}"""))
network("gateway-of-other-family", ETH0.replace("[10.9.0.22/24]", "[10.9.0.22/24, 'fd00::22/64'], routes: [{to: '::/0', via: 10.9.0.1}]"))
network("gateway-is-itself", ETH0.replace("eth1: {}", "eth1: {addresses: [10.8.0.1/24], routes: [{to: 10.7.0.0/16, via: 10.8.0.1}]}"))
network("gateway-unusable", ETH0.replace("eth1: {}", "eth1: {addresses: [10.8.0.1/24], routes: [{to: 10.7.0.0/16, via: 224.0.0.1}]}"))
network("shared-gateway-outside-subnet", "ethernets: {eth0: {addresses: [10.9.0.22/24]}}",
        shared=SHARED.replace("10.9.0.1,", "10.8.0.1,"))
network("two-default-routes", ETH0.replace("eth1: {}", """\
eth1: {addresses: [10.8.0.22/24], routes: [{to: default, via: 10.8.0.1}, {to: 10.7.0.0/16, via: 10.8.0.1}]}"""))
network("lacp-rate", ETH0 + "bonds: {bond0: {interfaces: [eth1], parameters: {mode: active-backup, lacp-rate: fast}}}")
network("primary", ETH0.replace("eth2: {}", "eth2: {match: {macaddress: 52:54:00:00:00:02}}") + """\
bonds:
  bond0: {interfaces: [eth1], parameters: {mode: 802.3ad, primary: eth1}}
  bond1: {interfaces: [eth2], parameters: {mode: active-backup, primary: eth1}}
""")
network("primary-without-name", ETH0.replace("eth1: {}", "eth1: {match: {macaddress: 52:54:00:00:00:01}}") + """\
bonds: {bond0: {interfaces: [eth1, eth2], parameters: {mode: active-backup, primary: eth1}}}
""")
network("forward-delay", ETH0 + "bridges: {br0: {interfaces: [eth1], parameters: {forward-delay: 0}}}")
network("vlan-twice", ETH0 + "vlans: {one: {id: 5, link: eth0}, two: {id: 5, link: eth0}, three: {id: 5, link: eth1}}")
network("set-name-without-match", ETH0.replace("eth1: {}", "eth1: {set-name: lan1}"))
network("vlan-mtu", "ethernets: {eth0: {}, eth1: {mtu: 1400}}\nvlans: {vlan5: {id: 5, link: eth0}, vlan6: {id: 6, link: eth1, mtu: 1500}}",
        "    interface: vlan5\n", SHARED.replace("}", ", mtu: 9000}"))
network("nameserver-in-service-range", ETH0.replace("eth1: {}", "eth1: {addresses: [10.8.0.22/24], nameservers: {addresses: [10.96.0.10]}}"))
network("without-gateway", "ethernets: {eth0: {addresses: [10.9.0.22/24]}}", shared=SHARED.replace("gateway: 10.9.0.1, ", ""))
network("of-dhcp-uses-nothing-shared", "ethernets: {eth0: {dhcp4: true}}")
write("network-kube-vip-interface", HEAD.replace("10.9.0.10}", "10.9.0.10, kubeVip: {interface: eth0}}") + SHARED + NODES.replace(
    "{name: cp1, role: control-plane, address: 10.9.0.11/24}", """\
name: cp1
    role: control-plane
    address: 10.9.0.11/24
    interface: up
    network: {ethernets: {up: {match: {macaddress: 52:54:00:00:00:0b}, set-name: lan0}}}"""))
network("shape", """\
ethernets:
  eth0: {adresses: [10.9.0.22/24], macaddress: 52:54:00:00:00:01, match: {}}
  eth0:1: {}
bonds: {bond0: {parameters: {mode: lacp, mii-monitor-interval: "100", primary: eth*}}}
vlans: {vlan5: {id: 4095}}
renderer: networkd
""")
(HERE / "network-shape.yaml").rename(HERE / "many-network-shape.yaml")

# Ranges.
kubernetes("ranges-pods-and-services-overlap", "  podSubnet: 10.96.0.0/16\n")
kubernetes("ranges-pods-and-nodes-overlap", "  podSubnet: 10.0.0.0/12\n")
write(
    "ranges-default-overlaps-nodes",
    HEAD.replace("10.9.0.10", "10.244.7.10") + NODES.replace("10.9.0", "10.244.7"),
)
kubernetes("ranges-services-too-small", "  serviceSubnet: 10.96.0.0/29\n")
kubernetes("ranges-services-too-large", "  serviceSubnet: 10.64.0.0/11\n")
kubernetes("ranges-pods-too-small", "  podSubnet: 10.244.0.0/23\n")
kubernetes("ranges-pods-too-large", '  podSubnet: ["10.244.0.0/16", "fd00:1::/40"]\n')
kubernetes("ranges-two-of-one-family", "  podSubnet: [10.244.0.0/16, 10.245.0.0/16]\n")
kubernetes("ranges-empty-list", "  podSubnet: []\n")
kubernetes("ranges-first-service-family", '  serviceSubnet: ["fd00:2::/112", "10.96.0.0/16"]\n')

# Kubernetes.
write("kubernetes-unknown-minor", HEAD.replace("1.36.3", "1.38.0") + NODES)
write("kubernetes-unknown-minor-allow-untested", HEAD.replace("1.36.3", "1.38.0") + NODES)
write("kubernetes-too-old-allow-untested", HEAD.replace("1.36.3", "1.30.4") + NODES)
kubernetes(
    "kubernetes-owned-arguments",
    "  kubeletExtraArgs: {node-ip: 10.9.0.5}\n  kubelet: {staticPodPath: /etc/pods}\n"
    "  apiServer: {extraArgs: {secure-port: 8443}}\n  controllerManager: {extraArgs: {cluster-cidr: 10.1.0.0/16}}\n",
)
more("kubernetes-owned-etcd-arguments", "etcd: {extraArgs: {initial-cluster-token: mine, data-dir: /data}}\n")
node("kubernetes-owned-argument-of-node", "    kubeletExtraArgs: {node-labels: a=b}\n")
kubernetes("kubernetes-owned-proxy-config", "  proxy: {config: {mode: ipvs, clusterCIDR: 10.1.0.0/16}}\n")
kubernetes("kubernetes-config-without-proxy", "  proxy: {mode: none, config: {metricsBindAddress: 0.0.0.0}}\n")
kubernetes("kubernetes-ignore-all", "  ignorePreflightErrors: [NumCPU, All]\n")
endpoint("kubernetes-port-taken", "  vip: 10.9.0.10\n  port: 2379\n")
kubernetes("kubernetes-timeout-zero", "  timeouts: {discovery: 0s}\n")

# Operating systems.
more("systems-without-cloud-init", "os: flatcar\nformat: cloud-init\n")
node("systems-without-cloud-init-node", "    os: fedora-coreos\n    format: cloud-init\n")
more("systems-without-ignition", "format: ignition\nos: ubuntu\n")
more("systems-base-users", "os: flatcar\nfiles: [{path: /opt/one, content: a, owner: 'root:adm'}]\n")
more(
    "systems-hidden-files",
    "os: sle-micro\nfiles:\n  - {path: /etc/motd, content: hello}\n  - {path: /opt/tool, content: hello}\n"
    "  - {path: /home/ops/x, content: hello}\n",
)
more("systems-limit", "userDataLimit: {size: 16KB}\n")

# Booting over the network.
NET = "network: {gateway: 10.9.0.1, nameservers: [10.9.0.1]}\n"
KNOWN = "".join(
    line.replace("/24}", f"/24, mac: 52:54:00:00:00:{number:02x}}}") + "\n" for number, line in enumerate(NODES.splitlines()))
more("shape-missing-url", "pxe: {disk: /dev/sda}\n")
more("value-url", "pxe: {url: 10.9.0.2}\n")
more("value-url-of-nobody", "pxe: {url: http://10.9.0.300/pxe}\n")
more("value-disk", "pxe: {url: http://10.9.0.2, disk: sda}\n")
more("value-kernel-argument", "pxe: {url: http://10.9.0.2, arguments: [root=LABEL=root console=ttyS0, '||']}\n")
write("value-uuid", HEAD + NET + "pxe: {url: http://10.9.0.2, arguments: [root=LABEL=root]}\n"
      + KNOWN.replace("{name: w1,", "{name: w1, pxe: {uuid: 4c4c4544-0036-5410-8043},"))
write("pxe-no-root", HEAD + NET + "pxe: {url: http://10.9.0.2, arguments: [console=ttyS0]}\n" + KNOWN)
write("pxe-no-disk", HEAD + NET + "os: flatcar\npxe:\n  url: http://10.9.0.2\n" + KNOWN)
write("pxe-of-node-alone", HEAD + NET + KNOWN.replace("{name: w1,", "{name: w1, pxe: {disk: /dev/sda},"))
write("pxe-left-out", HEAD + NET + "pxe: {url: http://10.9.0.2, arguments: [root=LABEL=root]}\n"
      + KNOWN.replace(", mac: 52:54:00:00:00:02", "").replace("{name: w1,", "{name: w1, os: sle-micro,").replace(
          "mac: 52:54:00:00:00:03", "interface: lan0, network: {ethernets: {lan0: {match: {macaddress: 52:54:00:00:00:03}}}}"))
write("pxe-ipv6", HEAD.replace("10.9.0.10", "fd00:9::10")
      + "network: {gateway: 'fd00:9::1', nameservers: ['fd00:9::1']}\n"
      + "pxe: {url: 'http://[fd00:9::2]', arguments: [root=LABEL=root]}\n"
      + KNOWN.replace("10.9.0.", "fd00:9::").replace("/24", "/64"))
write("pxe-duplicate-uuid", HEAD + "pxe: {url: http://10.9.0.2, arguments: [root=LABEL=root]}\n" + NODES.replace(
    "{name: cp", "{pxe: {uuid: 4c4c4544-0036-5410-8043-b8c04f4a4c33}, name: cp", 2)
    .replace("{name: ", "{pxe: {uuid: 4c4c4544-0036-5410-8043-b8c04f4a4c3a}, name: ", 1)
    .replace("{name: w", "{pxe: {uuid: 4c4c4544-0036-5410-8043-b8c04f4a4c3b}, name: w"))
write("pxe-addressed", HEAD + NET + "pxe: {url: http://10.9.0.2, arguments: [root=LABEL=root]}\n" + KNOWN.replace(
    "mac: 52:54:00:00:00:02", "pxe: {uuid: 4c4c4544-0036-5410-8043-b8c04f4a4c33}"))
# One stick for all machines.
STICK = HEAD + NET + "media: [usb]\n"
write("usb-unknown", STICK + KNOWN.replace(", mac: 52:54:00:00:00:02", "").replace(", mac: 52:54:00:00:00:03", ""))
write("usb-ignition", STICK + KNOWN.replace("{name: w1,", "{name: w1, os: flatcar,"))

write("usb-unknown-network", STICK + KNOWN.replace("mac: 52:54:00:00:00:02", "network: {ethernets: {eth0: {addresses: [10.9.0.12/24]}}}"))
write("pxe-other-nic", HEAD + NET + "pxe: {url: http://10.9.0.2, arguments: [root=LABEL=root]}\n" + KNOWN.replace(
    "mac: 52:54:00:00:00:02", "network: {ethernets: {eno1: {addresses: [10.9.0.12/24]}, "
    "san0: {match: {macaddress: 52:54:00:00:00:02}, addresses: [10.20.0.2/24]}}}"))
more("media-usb-for-nobody", "media: [usb]\n")
more("media-pxe-without-url", "media: [pxe]\n")
more("media-proxmox-without-vmid", "media: [proxmox]\n")
more("media-seed-unread", "media: [iso]\nos: sle-micro\n")
write("media-one-nic", HEAD + "media: [libvirt]\n" + NODES.replace(
    "{name: cp1, ", "{name: cp1, network: {ethernets: {eth0: {addresses: [10.9.0.11/24]}, eth1: {dhcp4: true}}}, "))
write("software-two-distributions", HEAD + "software: {source: payload}\n" + NODES.replace("{name: w1,", "{name: w1, os: ubuntu,"))

write(
    "rendered-too-large",
    HEAD + "userDataLimit: {size: 32KiB}\n"
    + NODES.replace("{name: cp2,", "{name: cp2, os: flatcar, userDataLimit: {size: 16KiB, gzipped: true},")
    .replace("{name: w1,", "{name: w1, os: flatcar, userDataLimit: {size: 16KiB, gzipped: true},"),
)

# kube-vip.
endpoint("kube-vip-deadlock", "  vip: 10.9.0.10\n  kubeVip: {image: ghcr.io/kube-vip/kube-vip:v1.2.2}\n")
endpoint("kube-vip-lease-deadline", "  vip: 10.9.0.10\n  kubeVip: {lease: {duration: 10, renewDeadline: 10}}\n")
write(
    "kube-vip-interface",
    HEAD.replace("10.9.0.10}", "10.9.0.10, kubeVip: {interface: eth0}}")
    + "network: {gateway: 10.9.0.1, nameservers: [10.9.0.1]}\n"
    + NODES.replace("{name: cp1,", "{name: cp1, interface: eth0,").replace("{name: cp2,", "{name: cp2, interface: enp3s0,"),
)
endpoint("kube-vip-lease-retry", "  vip: 10.9.0.10\n  kubeVip: {lease: {retryPeriod: 9}}\n")

# Certificates.
more("certificates-window-zero", "bootstrap: {window: 0h}\n")
more("certificates-too-short", "pki: {certificateValidityPeriod: 24h}\n")
more(
    "certificates-outlive-authority",
    "pki: {certificateValidityPeriod: 17520h, caCertificateValidityPeriod: 8760h}\n",
)

# Machines.
more("users-duplicate", "users: [{name: ops}, {name: ops}]\n")
more("users-reserved", "users: [{name: root}, {name: staff}]\n")
more("users-private-key", 'users: [{name: ops, sshAuthorizedKeys: ["-----BEGIN OPENSSH PRIVATE KEY-----"]}]\n')
more("users-no-key", "users: [{name: ops, sshAuthorizedKeys: [AAAAC3NzaC1lZDI1NTE5, ssh-ed25519]}]\n")
more("files-relative-path", "files: [{path: etc/motd, content: hello}]\n")
more("files-detour", "files: [{path: /etc/../root/x, content: hello}]\n")
more(
    "files-owned",
    "files:\n  - {path: /etc/hagen/x, content: hello}\n  - {path: /etc/hosts, content: hello}\n"
    "  - {path: /etc/kubernetes/pki/ca.crt, content: hello}\n  - {path: /etc/hagenish, content: hello}\n",
)
more("files-duplicate", "files: [{path: /etc/motd, content: a}, {path: /etc/motd, content: b}]\n")
more(
    "files-unknown-owner",
    "users: [{name: ops}]\nfiles:\n  - {path: /opt/one, content: a, owner: 'ops:ops'}\n"
    "  - {path: /opt/two, content: a, owner: 'deploy:adm'}\n  - {path: /opt/three, content: a, owner: 'root:k8s'}\n",
)
more("value-file-owner-number", "files: [{path: /etc/motd, content: hello, owner: '0:0'}]\n")
more("value-file-mode-setuid", "files: [{path: /opt/tool, content: hello, mode: '4755'}]\n")
more(
    "files-path-conflict",
    "files:\n  - {path: /opt/a, content: hello}\n  - {path: /opt/a/b, content: hello}\n"
    "  - {path: /usr/local, content: hello}\n  - {path: /etc/crictl.yaml/x, content: hello}\n",
)
more("files-of-accounts", "users: [{name: ops}]\nfiles:\n  - {path: /home/ops/.ssh/authorized_keys, content: hello}\n"
     "  - {path: /etc/sudoers.d/90-hagen, content: hello}\n"
     "  - {path: /etc/sudoers.d/90-cloud-init-users, content: hello}\n")
more("files-no-content", "files: [{path: /etc/motd}]\n")
more("files-two-contents", "files: [{path: /etc/motd, content: a, source: make.py}]\n")
more("containerd-not-toml", "containerd:\n  extraConfig: |\n    [debug]\n    level = info\n")
more("containerd-not-toml-in-quotes", 'containerd: {extraConfig: "[debug"}\n')

# Programs and images from a payload.
more("software-of-system", "os: rhel-coreos\nsoftware: {source: payload}\n")
more("software-packages-of-nobody", "software: {images: payload, extraPackages: [nfs-common]}\n")
more("software-package-with-version", "software: {source: payload, extraPackages: [nfs-common=1.2, NFS, c]}\n")
more("software-image-without-tag", "software: {extraImages: [alpine, alpine:latest, 'alpine 3', 'alpine:3.20']}\n")
more("software-unknown-source", "software: {source: registry, images: none}\n")
write("software-unseen-patch", HEAD.replace("1.36.3", "1.36.99") + "software: {images: payload}\n" + NODES)
more("software-always-pulled", "software: {images: payload}\nmanifests: [manifests/always.txt]\n")
(HERE / "manifests/always.txt").write_text("""\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  initContainers: [{name: a, image: quay.io/a/a}]
  containers:
  - {name: b, image: "quay.io/a/b:1", imagePullPolicy: Always}
  - {name: c, image: "quay.io/a/c:latest", imagePullPolicy: IfNotPresent}
""")

# Many at once.
MANY = """\
# grüße: Umlaute vor dem Fehler verschieben Bytes, aber keine Spalten
name: Öffentlich
kubernetes: {version: 1.36, podCidr: 10.244.0.0/16}
endpoint: {vip: 10.9.1.10, port: 2379}
defaults: &worker {role: worker, os: flatcar}
network:
  gateway: 10.9.2.1  # größer
  mtu: groß
nodes:
  - {name: cp1, role: control-plane, address: 10.9.0.11/24}
  - {name: cp2, role: control-plane, address: 10.9.0.11/24}
  - {<<: *worker, name: w1, address: 10.9.0.21/24, labels: {größe: xl}}
  - {<<: *worker, name: w2, address: 10.9.0.300/24}
  - {name: w1, role: worker, address: 10.9.0.23/24, mac: 'zz:54:00:00:00:0b'}
"""
write("many-at-once", MANY)
write("many-with-crlf-and-bom", "\ufeff" + MANY.replace("\n", "\r\n"))
write("many-bom-on-the-first-line", "\ufeffnäme: homelab\n" + HEAD + NODES)
write("many-wide-characters", HEAD + "users: [{name: 日本, sudo: ja}]\n" + NODES)
