//! PXE: a folder to be served as it is. iPXE asks for the script of its machine, which boots a kernel that is told where
//! the machine's seed, or its config for Ignition, lies.
//!
//! `http/` is for any HTTP server, `tftp/` and the two configurations for dnsmasq, `matchbox/` for matchbox, which serves
//! `http/` as its assets. Kernels and images are not hagen's: links lead to the folder `images` beside the output.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::{IpNet, Ipv4Net};
use serde::Serialize;
use serde_json::json;

use super::{Machine, MediaError, Medium, Site};
use crate::boot;
use crate::bundle::network::Kind;
use crate::bundle::{File, Network};
use crate::cluster::{Cluster, Node};
use crate::config::schema::Pxe;
use crate::format::network::netplan;
use crate::format::{Entry, Tree, gzip, ignition};
use crate::os::{Format, NetworkBoot};
use crate::yaml::YamlError;

/// `--media pxe`.
pub const MEDIUM: Medium = Medium { name: "pxe", write };

/// Started by the person who serves, by dnsmasq, and by machines that install themselves.
const SERVE: &str = include_str!("../../templates/pxe/serve.sh");
const KEEP: &str = include_str!("../../templates/pxe/keep");
const INSTALL: &str = include_str!("../../templates/pxe/install");
const GUARD: &str = include_str!("../../templates/pxe/guard");

/// Bytes of the longest command line that Linux keeps whole on x86 and arm64: `COMMAND_LINE_SIZE` (2048) with its end.
const COMMAND_LINE: usize = 2047;

/// A machine that boots over the network.
struct Client<'a> {
    node: &'a Node<'a>,
    identities: Vec<Identity<'a>>,
    /// The files of its seed in NoCloud's form.
    seed: &'a [(&'static str, Vec<u8>)],
    boot: NetworkBoot,
    disk: &'a str,
    arguments: Vec<&'a str>,
    /// Its network for cloud-init, as an argument of the kernel.
    network: Option<String>,
}

fn write(site: &Site<'_>, tree: &mut Tree) -> Result<(), MediaError> {
    let pxe = site.cluster.document.pxe.as_ref().ok_or(MediaError::NoUrl)?;
    let url = pxe.url.as_str();
    let clients = site.machines.iter().filter_map(|machine| client(site.cluster, pxe, machine).transpose());
    let clients: Vec<Client<'_>> = clients.collect::<Result<_, _>>()?;
    for client in &clients {
        add_seed(tree, site, client, url)?;
        add_script(tree, site, client, url)?;
        add_matchbox(tree, client, url)?;
    }
    let values = json!({"url": url, "cluster": site.cluster.name()});
    // dnsmasq, which is root where it serves this folder, sends only what everybody may read. It holds no secret.
    let content = boot::render("pxe/boot.ipxe", &values)?.into();
    tree.insert("pxe/tftp/boot.ipxe", Entry::File { content, mode: 0o644, owner: None });
    tree.add("pxe/http/boot/default.ipxe", boot::render("pxe/default.ipxe", &values)?);
    // Nothing of another's may lie in the output, which the next render replaces.
    for (path, target) in [
        ("pxe/http/images", "../../../images"),
        ("pxe/tftp/ipxe.efi", "../../../images/ipxe/ipxe.efi"),
        ("pxe/tftp/undionly.kpxe", "../../../images/ipxe/undionly.kpxe"),
    ] {
        tree.insert(path, Entry::Link { target: target.to_owned() });
    }
    add_dnsmasq(tree, site, &clients)?;
    let http = json!({"url": url, "host": pxe.url.host(), "port": pxe.url.port(), "plain": pxe.url.is_plain()});
    tree.add("pxe/serve.env", boot::render("pxe/serve.env", &http)?);
    for (path, content) in [("pxe/serve.sh", SERVE), ("pxe/keep", KEEP)] {
        tree.insert(path, Entry::File { content: content.into(), mode: 0o700, owner: None });
    }
    Ok(())
}

/// The machine, if iPXE can know it and hagen knows how it boots.
fn client<'a>(cluster: &Cluster<'_>, pxe: &'a Pxe, machine: &'a Machine<'a>) -> Result<Option<Client<'a>>, YamlError> {
    let node = machine.node;
    let Some(boot) = node.system.boots(node.format) else { return Ok(None) };
    let own = &node.declared.pxe;
    // By any of its NICs, whichever it boots from.
    let macs = node.declared.macs().map(|mac| Identity::Mac(mac.as_str()));
    // The cluster's `root=` is for machines whose disk holds an image: an installer's root is in memory.
    let fits = |argument: &&str| boot == NetworkBoot::Disk || !argument.starts_with("root=");
    let arguments = match &own.arguments {
        Some(own) => own.iter().map(String::as_str).collect(),
        None => pxe.arguments.iter().map(String::as_str).filter(fits).collect(),
    };
    let identities: Vec<_> = macs.chain(own.uuid.iter().map(|uuid| Identity::Uuid(uuid.as_str()))).collect();
    if identities.is_empty() {
        return Ok(None);
    }
    Ok(Some(Client {
        node,
        identities,
        seed: &machine.seed,
        boot,
        disk: own.disk.as_ref().or(pxe.disk.as_ref()).map_or("", String::as_str),
        arguments,
        network: if boot == NetworkBoot::Disk { network_argument(cluster, pxe, node)? } else { None },
    }))
}

/// `network-config=` for the kernel: cloud-init sets the network up by it before it asks for the seed. Without, it asks DHCP
/// on the NIC whose name comes first, wherever that leads, and before 24.3 (Debian 12) it never asks for the seed's
/// network-config. None where the machine has no network of its own, or where that leads to the server over a router, if at
/// all.
fn network_argument(cluster: &Cluster<'_>, pxe: &Pxe, node: &Node<'_>) -> Result<Option<String>, YamlError> {
    let Some(network) = Network::of(cluster, node) else { return Ok(None) };
    let own = || network.devices.iter().flat_map(|device| &device.addresses);
    if !pxe.url.host().parse().is_ok_and(|server: IpAddr| own().any(|net| net.contains(&server))) {
        return Ok(None);
    }
    let config = gzip(netplan::network_config(&network)?.as_bytes());
    Ok(Some(format!("network-config={}", STANDARD.encode(config))))
}

/// What iPXE knows a machine by, as matchbox selects it.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Identity<'a> {
    Mac(&'a str),
    Uuid(&'a str),
}

impl fmt::Display for Identity<'_> {
    /// As its script is called.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => write!(formatter, "mac-{}", mac.replace(':', "-")),
            Self::Uuid(uuid) => write!(formatter, "uuid-{uuid}"),
        }
    }
}

impl Client<'_> {
    /// The arguments of the kernel, for files that are served below `url`.
    fn arguments(&self, url: &str) -> Vec<String> {
        let (name, os) = (self.node.name(), self.node.os.word());
        let mut arguments = vec!["initrd=initrd".to_owned()];
        match self.boot {
            NetworkBoot::Disk => arguments.push(format!("ds=nocloud;s={url}/seed/{name}/")),
            NetworkBoot::FlatcarInstall => arguments.extend([
                "flatcar.first_boot=1".to_owned(),
                format!("ignition.config.url={url}/ignition/{name}.install.ign"),
            ]),
            NetworkBoot::CoreosInstaller => arguments.extend([
                format!("coreos.live.rootfs_url={url}/images/{os}/rootfs"),
                "ignition.firstboot".to_owned(),
                "ignition.platform.id=metal".to_owned(),
                format!("ignition.config.url={url}/ignition/{name}.install.ign"),
                format!("coreos.inst.install_dev={}", self.disk),
                format!("coreos.inst.ignition_url={url}/ignition/{name}.ign"),
            ]),
        }
        arguments.extend(self.arguments.iter().map(|&argument| argument.to_owned()));
        let length: usize = arguments.iter().map(|argument| argument.len() + 1).sum();
        arguments.extend(self.network.clone().filter(|network| length + network.len() <= COMMAND_LINE));
        arguments
    }
}

/// The seed, or the config for Ignition; a machine that installs itself from memory is told so by another one.
fn add_seed(tree: &mut Tree, site: &Site<'_>, client: &Client<'_>, url: &str) -> Result<(), MediaError> {
    let (name, node) = (client.node.name(), client.node);
    for (file, content) in client.seed {
        match node.format {
            Format::CloudInit => tree.add(format!("pxe/http/seed/{name}/{file}"), content.as_slice()),
            Format::Ignition if *file == "user-data" => {
                tree.add(format!("pxe/http/ignition/{name}.ign"), content.as_slice());
            }
            Format::Ignition => {}
        }
    }
    if node.format == Format::CloudInit {
        tree.add(format!("pxe/http/seed/{name}/network-config"), network_config(site.cluster, node)?);
    }
    let (unit, path, program) = match client.boot {
        NetworkBoot::Disk => return Ok(()),
        NetworkBoot::FlatcarInstall => ("pxe/hagen-install.service", "/var/lib/hagen/bin/install", INSTALL),
        NetworkBoot::CoreosInstaller => ("pxe/hagen-guard.service", "/var/lib/hagen/bin/guard", GUARD),
    };
    let values = json!({
        "disk": client.disk,
        "config": format!("{url}/ignition/{name}.ign"),
        "images": format!("{url}/images/{}", node.os.word()),
    });
    let text = boot::render(unit, &values)?;
    let config = ignition::program(&File::of_root(path, 0o644, program), &unit["pxe/".len()..], &text)?;
    tree.add(format!("pxe/http/ignition/{name}.install.ign"), config);
    Ok(())
}

/// network-config without new names: cloud-init cannot rename the NIC that the seed comes over, for it is in use.
fn network_config(cluster: &Cluster<'_>, node: &Node<'_>) -> Result<String, YamlError> {
    let Some(mut network) = Network::of(cluster, node) else { return Ok(String::new()) };
    for device in &mut network.devices {
        if let Kind::Ethernet { set_name, .. } = &mut device.kind {
            *set_name = None;
        }
    }
    netplan::network_config(&network)
}

fn add_script(tree: &mut Tree, site: &Site<'_>, client: &Client<'_>, url: &str) -> Result<(), MediaError> {
    let values = json!({
        "cluster": site.cluster.name(),
        "name": client.node.name(),
        "images": format!("{url}/images/{}", client.node.os.word()),
        "installs": client.boot != NetworkBoot::Disk,
        "arguments": client.arguments(url),
    });
    let script = boot::render("pxe/machine.ipxe", &values)?;
    for identity in &client.identities {
        tree.add(format!("pxe/http/boot/{identity}.ipxe"), script.as_str());
    }
    Ok(())
}

/// A group of matchbox: which machine.
#[derive(Serialize)]
struct Group<'a> {
    id: String,
    name: &'a str,
    profile: &'a str,
    selector: Identity<'a>,
}

/// A profile of matchbox: what it boots.
#[derive(Serialize)]
struct Profile<'a> {
    id: &'a str,
    name: &'a str,
    boot: Boot,
}

#[derive(Serialize)]
struct Boot {
    kernel: String,
    initrd: [String; 1],
    args: Vec<String>,
}

/// What is booted is matchbox's assets: its own way to serve Ignition writes the config anew, in a newer specification than
/// every system reads, and its way to serve cloud-init takes scripts for templates of Go.
fn add_matchbox(tree: &mut Tree, client: &Client<'_>, url: &str) -> Result<(), MediaError> {
    let name = client.node.name();
    let images = format!("/assets/images/{}", client.node.os.word());
    for &selector in &client.identities {
        let group = Group { id: selector.to_string(), name, profile: name, selector };
        tree.add(format!("pxe/matchbox/groups/{}.json", group.id), json_text(&group)?);
    }
    let boot = Boot {
        kernel: format!("{images}/kernel"),
        initrd: [format!("--name initrd {images}/initrd")],
        args: client.arguments(&format!("{url}/assets")),
    };
    tree.add(format!("pxe/matchbox/profiles/{name}.json"), json_text(&Profile { id: name, name, boot })?);
    Ok(())
}

fn json_text(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

/// A UUID as DHCP carries it: SMBIOS has its first three groups little-endian, and not every firmware leaves it so.
fn wire(uuid: &str) -> [String; 2] {
    let bytes = |group: &str, little: bool| {
        let mut bytes: Vec<String> =
            group.as_bytes().chunks(2).map(|byte| String::from_utf8_lossy(byte).into()).collect();
        if little {
            bytes.reverse();
        }
        bytes.join(":")
    };
    [true, false].map(|little| {
        let groups = uuid.split('-').enumerate().map(|(index, group)| bytes(group, little && index < 3));
        groups.collect::<Vec<_>>().join(":")
    })
}

/// dnsmasq's configuration twice: as the network's DHCP server, and beside another one. Both know IPv4 only, as PXE does
/// nearly everywhere.
fn add_dnsmasq(tree: &mut Tree, site: &Site<'_>, clients: &[Client<'_>]) -> Result<(), MediaError> {
    #[derive(Serialize)]
    struct Subnet {
        network: String,
        netmask: String,
        gateway: Option<IpAddr>,
    }
    #[derive(Serialize)]
    struct Host<'a> {
        name: &'a str,
        macs: Vec<&'a str>,
        uuids: Vec<String>,
        address: Ipv4Addr,
        netmask: Ipv4Addr,
        /// Which of the subnets, from 1.
        subnet: usize,
    }
    let network = &site.cluster.document.network;
    let ipv4 = |address: &&IpAddr| address.is_ipv4();
    let addressed: Vec<(&Client<'_>, Ipv4Net)> = clients
        .iter()
        .filter_map(|client| match client.node.declared.address.value {
            IpNet::V4(net) => Some((client, net)),
            IpNet::V6(_) => None,
        })
        .collect();
    let nets: BTreeSet<Ipv4Net> = addressed.iter().map(|(_, net)| net.trunc()).collect();
    let hosts: Vec<Host<'_>> = addressed
        .iter()
        .map(|(client, net)| Host {
            name: client.node.name(),
            macs: client.node.declared.own_macs().map(|mac| mac.as_str()).collect(),
            uuids: client.node.declared.pxe.uuid.iter().flat_map(|uuid| wire(uuid.as_str())).collect(),
            address: net.addr(),
            netmask: net.netmask(),
            subnet: nets.range(..=net.trunc()).count(),
        })
        .filter(|host| !host.macs.is_empty() || !host.uuids.is_empty())
        .collect();
    let gateway = network.gateway.as_ref().map(|gateway| gateway.value);
    let subnets: Vec<Subnet> = nets
        .iter()
        .map(|net| Subnet {
            network: net.network().to_string(),
            netmask: net.netmask().to_string(),
            gateway: gateway.filter(|gateway| IpNet::V4(*net).contains(gateway)),
        })
        .collect();
    let time_servers: Vec<IpAddr> = network.ntp.iter().filter_map(|server| server.parse().ok()).collect();
    for (file, proxy) in [("dnsmasq.conf", false), ("proxy.conf", true)] {
        let values = json!({
            "cluster": site.cluster.name(),
            "proxy": proxy,
            "subnets": subnets,
            "hosts": hosts,
            "nameservers": network.nameservers.iter().filter(ipv4).collect::<Vec<_>>(),
            "search": network.search.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "time_servers": time_servers.iter().filter(ipv4).collect::<Vec<_>>(),
            "mtu": network.mtu,
        });
        tree.add(format!("pxe/{file}"), boot::render("pxe/dnsmasq.conf", &values)?);
    }
    Ok(())
}
