//! libvirt: virtual machines on one host, for trying it all. A network that gives each machine its address, a domain for
//! each machine, and a program that makes them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;
use serde_json::json;

use super::{MediaError, Medium, Site, iso};
use crate::boot;
use crate::cluster::Node;
use crate::format::{Entry, Tree};
use crate::os::Format;
use crate::payload;

/// `--media libvirt`: with the CDs of `iso`, from which its machines with cloud-init get their seed.
pub const MEDIUM: Medium = Medium { name: "libvirt", write };

const CREATE: &str = include_str!("../../templates/libvirt/create.sh");

/// Memory in MiB of machines that run the API and etcd, and of others.
const MEMORY: (u32, u32) = (4096, 2048);

/// One machine.
#[derive(Serialize)]
struct Domain<'a> {
    cluster: &'a str,
    name: &'a str,
    os: &'static str,
    /// What it is given, below `nodes/NAME/`.
    seed: &'static str,
    memory: u32,
    mac: &'a str,
    /// Where its Ignition looks for a config; none for a seed on a CD.
    fw_cfg: Option<&'static str>,
    /// What the network's DHCP server gives it; cloud-init or Ignition may say the same.
    address: IpAddr,
    /// Whether it gets payload.iso as well.
    payload: bool,
}

fn write(site: &Site<'_>, tree: &mut Tree) -> Result<(), MediaError> {
    (iso::MEDIUM.write)(site, tree)?;
    let cluster = site.cluster.name();
    let payload = tree.sha256(payload::FILE).is_some();
    let domains: Vec<Domain<'_>> = site
        .machines
        .iter()
        .map(|machine| {
            let node = machine.node;
            let (seed, fw_cfg) = match node.format {
                Format::CloudInit => ("seed.iso", None),
                Format::Ignition => ("config.ign", Some(node.system.fw_cfg)),
            };
            Domain {
                cluster,
                name: node.name(),
                os: node.os.word(),
                seed,
                memory: if node.is_control_plane() { MEMORY.0 } else { MEMORY.1 },
                mac: &machine.mac,
                fw_cfg,
                address: node.address,
                payload,
            }
        })
        .collect();
    for domain in &domains {
        tree.add(format!("libvirt/domains/{}.xml", domain.name), boot::render("libvirt/domain.xml", domain)?);
    }
    let subnets = subnets(site);
    let network = json!({"cluster": cluster, "subnets": subnets, "domains": domains,
        "has_ipv6": subnets.iter().any(|subnet| subnet.family == "ipv6")});
    tree.add("libvirt/network.xml", boot::render("libvirt/network.xml", &network)?);
    tree.add("libvirt/machines", boot::render("libvirt/machines", &network)?);
    tree.insert("libvirt/create.sh", Entry::File { content: CREATE.into(), mode: 0o700, owner: None });
    Ok(())
}

/// A subnet of machines, in which this computer is the router.
#[derive(Serialize)]
struct Subnet {
    family: &'static str,
    address: IpAddr,
    prefix: u8,
    /// libvirt gives addresses in one IPv4 subnet, and knows machines of IPv6 by no MAC address.
    gives_addresses: bool,
}

fn subnets(site: &Site<'_>) -> Vec<Subnet> {
    let cluster = site.cluster;
    let address = |node: &Node<'_>| node.declared.address.value;
    let taken: BTreeSet<IpAddr> = cluster.nodes.iter().map(|node| node.address).chain([cluster.vip]).collect();
    let gateway = cluster.document.network.gateway.as_ref().map(|gateway| gateway.value);
    let nets: BTreeSet<IpNet> = cluster.nodes.iter().map(|node| address(node).trunc()).collect();
    let home = cluster.nodes.iter().map(address).find(|net| net.contains(&cluster.vip)).map(|net| net.trunc());
    nets.into_iter()
        .filter_map(|net| {
            let free = || net.hosts().find(|host| *host != net.network() && !taken.contains(host));
            Some(Subnet {
                family: if net.addr().is_ipv4() { "ipv4" } else { "ipv6" },
                address: gateway.filter(|gateway| net.contains(gateway)).or_else(free)?,
                prefix: net.prefix_len(),
                gives_addresses: net.addr().is_ipv4() && home == Some(net),
            })
        })
        .collect()
}
