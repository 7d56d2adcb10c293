//! The certificates that kubeadm wants on a control plane, and hagen's own: one list, with kubeadm's subjects, usages
//! and names (`cmd/kubeadm/app/phases/certs/certlist.go`, `util/pkiutil/pki_helpers.go`). A conformance test compares
//! it with what real kubeadm makes.

use std::net::IpAddr;

use crate::cluster::{Cluster, Node};
use crate::config::values::SubjectAlternativeName;
use crate::pki::{AuthorityKind, LeafRequest, Usage};

/// One leaf of a control plane.
#[derive(Debug)]
pub struct Leaf {
    /// Path below /etc/kubernetes/pki without an extension, as `etcd/server`.
    pub name: &'static str,
    /// Who signs it.
    pub authority: AuthorityKind,
    /// What is signed.
    pub request: LeafRequest,
}

/// `apiServer.certSANs`: the endpoint's address and name, then the document's.
#[must_use]
pub fn cert_sans(cluster: &Cluster<'_>) -> Vec<String> {
    let own = [cluster.vip.to_string(), cluster.endpoint_name.clone()];
    let declared = cluster.document.kubernetes.api_server.cert_sans.iter().map(ToString::to_string);
    let mut names = Vec::new();
    for name in own.into_iter().chain(declared) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// kubeadm's leaves for one control plane.
#[must_use]
pub fn control_plane_leaves(cluster: &Cluster<'_>, node: &Node<'_>) -> Vec<Leaf> {
    let leaf = |name, authority, common_name: &str, usage| Leaf {
        name,
        authority,
        request: LeafRequest {
            label: format!("{name}/{}", node.name()),
            common_name: common_name.to_owned(),
            organization: None,
            usage,
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
        },
    };

    let mut api_server = leaf("apiserver", AuthorityKind::Cluster, "kube-apiserver", Usage::Server);
    let domain = &cluster.document.kubernetes.dns_domain;
    api_server.request.dns_names = vec![
        node.name().to_owned(),
        "kubernetes".to_owned(),
        "kubernetes.default".to_owned(),
        "kubernetes.default.svc".to_owned(),
        format!("kubernetes.default.svc.{domain}"),
        cluster.endpoint_name.clone(),
    ];
    api_server.request.ip_addresses.extend(first_service_address(cluster));
    api_server.request.ip_addresses.extend([node.address, cluster.vip]);
    for name in &cluster.document.kubernetes.api_server.cert_sans {
        match name {
            SubjectAlternativeName::Dns(name) => api_server.request.dns_names.push(name.clone()),
            SubjectAlternativeName::Ip(address) => api_server.request.ip_addresses.push(*address),
        }
    }

    let mut kubelet_client =
        leaf("apiserver-kubelet-client", AuthorityKind::Cluster, "kube-apiserver-kubelet-client", Usage::Client);
    kubelet_client.request.organization = cluster.facts.kubelet_client_organization().map(str::to_owned);

    let [mut server, mut peer] =
        ["etcd/server", "etcd/peer"].map(|name| leaf(name, AuthorityKind::Etcd, node.name(), Usage::ServerAndClient));
    for request in [&mut server.request, &mut peer.request] {
        request.dns_names = vec![node.name().to_owned(), "localhost".to_owned()];
        request.ip_addresses =
            vec![node.address, IpAddr::from([127, 0, 0, 1]), IpAddr::from(std::net::Ipv6Addr::LOCALHOST)];
    }

    vec![
        api_server,
        kubelet_client,
        leaf("front-proxy-client", AuthorityKind::FrontProxy, "front-proxy-client", Usage::Client),
        server,
        peer,
        leaf("etcd/healthcheck-client", AuthorityKind::Etcd, "kube-etcd-healthcheck-client", Usage::Client),
        leaf("apiserver-etcd-client", AuthorityKind::Etcd, "kube-apiserver-etcd-client", Usage::Client),
    ]
}

/// kube-vip's own client certificate on one control plane: its rights are in [`super::kube_vip::rbac`].
#[must_use]
pub fn kube_vip(node: &Node<'_>) -> LeafRequest {
    client(format!("kube-vip/{}", node.name()), super::kube_vip::USER.to_owned(), None)
}

/// The client certificate with which one node joins; it is good for that node's name alone.
#[must_use]
pub fn join(node: &Node<'_>) -> LeafRequest {
    client(format!("join/{}", node.name()), format!("system:node:{}", node.name()), Some("system:nodes"))
}

/// The administrator's client certificate, as in kubeadm's admin.conf (`phases/kubeconfig/kubeconfig.go`).
#[must_use]
pub fn admin() -> LeafRequest {
    client("admin".to_owned(), "kubernetes-admin".to_owned(), Some("kubeadm:cluster-admins"))
}

fn client(label: String, common_name: String, organization: Option<&str>) -> LeafRequest {
    LeafRequest {
        label,
        common_name,
        organization: organization.map(str::to_owned),
        usage: Usage::Client,
        dns_names: Vec::new(),
        ip_addresses: Vec::new(),
    }
}

/// The address of the Service `kubernetes`: the first of the first service range.
fn first_service_address(cluster: &Cluster<'_>) -> Option<IpAddr> {
    let range = cluster.document.kubernetes.service_subnet.first()?;
    Some(match range.network() {
        IpAddr::V4(network) => IpAddr::from((u32::from(network) + 1).to_be_bytes()),
        IpAddr::V6(network) => IpAddr::from((u128::from(network) + 1).to_be_bytes()),
    })
}
