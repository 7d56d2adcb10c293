//! `hagen init`: a document to begin with.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};

use anyhow::Context as _;
use hagen::config::values::KubernetesVersion;

use super::{Failure, InitArguments, print};

/// Runs the verb.
pub fn run(arguments: &InitArguments) -> Result<(), Failure> {
    let path = &arguments.document;
    if path == "-" {
        return print(document(arguments).as_bytes());
    }
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Failure::Input(format!("error: {path} is there already\nhelp: name another file")));
        }
        Err(error) => return Err(Failure::Files(anyhow::Error::new(error).context(format!("writing {path}")))),
    };
    file.write_all(document(arguments).as_bytes()).with_context(|| format!("writing {path}"))?;
    print(format!("wrote {path}: put in your addresses, then `hagen check {path}`\n").as_bytes())
}

/// What is commented out shows defaults, or how a thing is written.
fn document(arguments: &InitArguments) -> String {
    let InitArguments { document, name, control_planes, workers } = arguments;
    let path = if document == "-" { "cluster.yaml" } else { document.as_str() };
    let version = KubernetesVersion::NEWEST;
    let mut text = format!(
        "\
# `hagen check {path}` says what is wrong, `hagen render {path} -o out/` makes the bundles.
# Every key: docs/reference.md or `man hagen-document`. `hagen schema` is for your editor.
name: {name}

kubernetes:
  version: {version}
  # podSubnet: 10.244.0.0/16
  # serviceSubnet: 10.96.0.0/12
  # proxy: {{mode: iptables}}         # or nftables, ipvs, none

endpoint:
  # An address of the machines' own subnet that nothing else uses; kube-vip moves it between the control planes.
  vip: 10.9.0.10

# Gateway and nameservers are for machines that get their address from here: those with `mac`, `interface` or `network`.
network:
  # gateway: 10.9.0.1
  # nameservers: [10.9.0.1]
  # ntp: [10.9.0.1]

# A CNI and the like, applied once the API answers. Until there is one, nodes are NotReady.
# manifests: [./cni.yaml]

# users:
#   - {{name: ops, sshAuthorizedKeys: [\"ssh-ed25519 AAAA... ops@laptop\"], sudo: true}}

# What carries the bundles to the machines, besides the seeds as files; `--media` says it for one render.
# media: [iso]                    # and proxmox, pxe, libvirt, usb; pxe and usb know machines by `mac`
# proxmox: {{vmidBase: 8000}}       # 10.9.0.11 is the VM 8011
# pxe: {{url: http://10.9.0.2, arguments: [root=LABEL=root]}}

# The first control plane starts the cluster; the machines may be powered on in any order.
# With `mac`, `interface` or `network` the machine gets its address from its bundle; with none it must have it by DHCP.
nodes:
"
    );
    let planes = (0..*control_planes).map(|index| (format!("cp{}", index + 1), "control-plane", 11 + index));
    let workers = (0..*workers).map(|index| (format!("w{}", index + 1), "worker", 21 + index));
    for (index, (name, role, last)) in planes.chain(workers).enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  - name: {name}\n    role: {role}\n    address: 10.9.0.{last}/24");
        let _ = writeln!(text, "    # mac: 52:54:00:00:00:{last:02x}");
        if index == 0 {
            let _ = writeln!(text, "    # labels: {{example.org/rack: r7}}\n    # taints: []");
        }
    }
    text
}
