//! kubeadm's configuration documents: API `kubeadm.k8s.io/v1beta4`, which 1.31 to 1.37 read, with
//! KubeletConfiguration and KubeProxyConfiguration (`cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go`).
//!
//! A [`Cluster`] and one of its nodes come in, YAML text goes out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::cluster::{Cluster, Node, url_host};
use crate::config::schema::{ProxyMode, Taint, TaintEffect, Timeouts};
use crate::secrets::Secret;
use crate::yaml::{self, YamlError};

const API_VERSION: &str = "kubeadm.k8s.io/v1beta4";

/// Where kubeadm finds patches on the init node: the random `--initial-cluster-token` that the machine makes.
pub const PATCHES: &str = "/etc/hagen/patches";
/// The kubeconfig with which a node joins by certificate.
pub const JOIN_KUBECONFIG: &str = "/etc/hagen/join.conf";

/// What a node proves itself with when it joins.
#[derive(Debug, Clone)]
pub enum Discovery<'a> {
    /// The cluster's bootstrap token, with the hash that pins the cluster's CA.
    Token {
        /// `<id>.<secret>`.
        token: &'a Secret<String>,
        /// `sha256:<hex>`.
        ca_cert_hash: &'a str,
    },
    /// A client certificate in the kubeconfig at [`JOIN_KUBECONFIG`].
    Certificate,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InitConfiguration<'a> {
    api_version: &'static str,
    kind: &'static str,
    bootstrap_tokens: Vec<BootstrapToken<'a>>,
    #[serde(rename = "localAPIEndpoint")]
    local_api_endpoint: ApiEndpoint,
    node_registration: NodeRegistration,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_key: Option<&'a str>,
    skip_phases: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patches: Option<Patches>,
    timeouts: KubeadmTimeouts,
}

#[derive(Serialize)]
struct BootstrapToken<'a> {
    token: &'a str,
    // Never `expires`: kubeadm puts its default beside it and then refuses both (apis/bootstraptoken/v1/defaults.go).
    ttl: &'static str,
}

#[derive(Serialize)]
struct Patches {
    directory: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiEndpoint {
    advertise_address: String,
    bind_port: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeRegistration {
    name: String,
    cri_socket: &'static str,
    image_pull_policy: &'static str,
    kubelet_extra_args: Vec<Argument>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignore_preflight_errors: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    taints: Option<Vec<NodeTaint>>,
}

#[derive(Serialize)]
struct NodeTaint {
    key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    effect: &'static str,
}

#[derive(Serialize)]
struct Argument {
    name: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KubeadmTimeouts {
    control_plane_component_health_check: String,
    discovery: String,
    #[serde(rename = "etcdAPICall")]
    etcd_api_call: String,
    kubelet_health_check: String,
    #[serde(rename = "kubernetesAPICall")]
    kubernetes_api_call: String,
    tls_bootstrap: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClusterConfiguration<'a> {
    api_version: &'static str,
    kind: &'static str,
    cluster_name: &'a str,
    kubernetes_version: String,
    control_plane_endpoint: String,
    image_repository: &'a str,
    encryption_algorithm: &'static str,
    certificate_validity_period: String,
    ca_certificate_validity_period: String,
    networking: Networking<'a>,
    api_server: ApiServer,
    #[serde(skip_serializing_if = "Component::is_empty")]
    controller_manager: Component,
    #[serde(skip_serializing_if = "Component::is_empty")]
    scheduler: Component,
    etcd: Etcd<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<Proxy>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Networking<'a> {
    pod_subnet: String,
    service_subnet: String,
    dns_domain: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiServer {
    #[serde(rename = "certSANs")]
    cert_sans: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extra_args: Vec<Argument>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extra_volumes: Vec<ExtraVolume>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtraVolume {
    name: String,
    host_path: String,
    mount_path: String,
    read_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_type: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    extra_args: Vec<Argument>,
}

impl Component {
    fn is_empty(&self) -> bool {
        self.extra_args.is_empty()
    }
}

#[derive(Serialize)]
struct Etcd<'a> {
    local: LocalEtcd<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LocalEtcd<'a> {
    data_dir: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extra_args: Vec<Argument>,
}

#[derive(Serialize)]
struct Proxy {
    disabled: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JoinConfiguration<'a> {
    api_version: &'static str,
    kind: &'static str,
    discovery: JoinDiscovery<'a>,
    node_registration: NodeRegistration,
    #[serde(skip_serializing_if = "Option::is_none")]
    control_plane: Option<JoinControlPlane<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skip_phases: Vec<&'static str>,
    timeouts: KubeadmTimeouts,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum JoinDiscovery<'a> {
    #[serde(rename_all = "camelCase")]
    BootstrapToken { token: &'a str, api_server_endpoint: String, ca_cert_hashes: Vec<&'a str> },
    #[serde(rename_all = "camelCase")]
    File { kube_config_path: &'static str },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JoinControlPlane<'a> {
    #[serde(rename = "localAPIEndpoint")]
    local_api_endpoint: ApiEndpoint,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_key: Option<&'a str>,
}

/// What `kubeadm init --config` reads: InitConfiguration, ClusterConfiguration, KubeletConfiguration and, where
/// kube-proxy is wanted, KubeProxyConfiguration. The token and the certificate key are in it.
///
/// # Errors
/// [`YamlError`] when a value passed through from the document cannot be written.
pub fn init(
    cluster: &Cluster<'_>,
    node: &Node<'_>,
    token: &Secret<String>,
    certificate_key: Option<&Secret<String>>,
) -> Result<Secret<String>, YamlError> {
    let mut configuration = init_configuration(cluster, node, token, certificate_key);
    configuration.patches = Some(Patches { directory: PATCHES });
    let mut documents = vec![
        yaml::to_string("InitConfiguration", &configuration)?,
        yaml::to_string("ClusterConfiguration", &cluster_configuration(cluster))?,
        yaml::to_string("KubeletConfiguration", &kubelet_configuration(cluster))?,
    ];
    if let Some(configuration) = kube_proxy_configuration(cluster) {
        documents.push(yaml::to_string("KubeProxyConfiguration", &configuration)?);
    }
    Ok(Secret::new(yaml::documents(&documents)))
}

/// What the caretaker gives `kubeadm init phase upload-certs --config`.
///
/// # Errors
/// [`YamlError`], as [`init`].
pub fn upload_certs(
    cluster: &Cluster<'_>,
    node: &Node<'_>,
    token: &Secret<String>,
    certificate_key: &Secret<String>,
) -> Result<Secret<String>, YamlError> {
    let configuration = init_configuration(cluster, node, token, Some(certificate_key));
    with_cluster(cluster, &configuration)
}

/// What `kubeadm token create --config` reads, on a control plane, by hand.
///
/// # Errors
/// [`YamlError`], as [`init`].
pub fn token_create(
    cluster: &Cluster<'_>,
    node: &Node<'_>,
    token: &Secret<String>,
) -> Result<Secret<String>, YamlError> {
    let configuration = init_configuration(cluster, node, token, None);
    with_cluster(cluster, &configuration)
}

/// kubeadm fetches its defaults from the internet where a ClusterConfiguration is missing.
fn with_cluster(cluster: &Cluster<'_>, configuration: &InitConfiguration<'_>) -> Result<Secret<String>, YamlError> {
    Ok(Secret::new(yaml::documents(&[
        yaml::to_string("InitConfiguration", configuration)?,
        yaml::to_string("ClusterConfiguration", &cluster_configuration(cluster))?,
    ])))
}

/// What `kubeadm join --config` reads. `certificate_key` is given to a control plane that downloads the authorities.
///
/// # Errors
/// [`YamlError`], as [`init`].
pub fn join(
    cluster: &Cluster<'_>,
    node: &Node<'_>,
    discovery: &Discovery<'_>,
    certificate_key: Option<&Secret<String>>,
) -> Result<Secret<String>, YamlError> {
    let discovery = match discovery {
        Discovery::Token { token, ca_cert_hash } => JoinDiscovery::BootstrapToken {
            token: token.expose(),
            api_server_endpoint: cluster.control_plane_endpoint(),
            ca_cert_hashes: vec![ca_cert_hash],
        },
        Discovery::Certificate => JoinDiscovery::File { kube_config_path: JOIN_KUBECONFIG },
    };
    let configuration = JoinConfiguration {
        api_version: API_VERSION,
        kind: "JoinConfiguration",
        discovery,
        node_registration: node_registration(cluster, node),
        control_plane: node.is_control_plane().then(|| JoinControlPlane {
            local_api_endpoint: api_endpoint(cluster, node),
            certificate_key: certificate_key.map(|key| key.expose().as_str()),
        }),
        // It would wait `timeouts.etcdAPICall` for each member that is off; the boot's own guard asks for a majority.
        skip_phases: if node.is_control_plane() { vec!["check-etcd"] } else { Vec::new() },
        timeouts: timeouts(&cluster.document.kubernetes.timeouts),
    };
    yaml::to_string("JoinConfiguration", &configuration).map(Secret::new)
}

/// kubeadm's preflight checks that an interrupted first try leaves unhappy, for a retry's
/// `--ignore-preflight-errors` (facts/lab.md: cut at ten different seconds of a join and four of an init).
#[must_use]
pub fn retry_ignores(cluster: &Cluster<'_>, node: &Node<'_>) -> Vec<String> {
    let mut checks: Vec<String> = ["kubelet.conf", "bootstrap-kubelet.conf", "pki-ca.crt"]
        .map(|file| format!("FileAvailable--etc-kubernetes-{file}"))
        .into();
    checks.push("Port-10250".to_owned());
    if node.is_control_plane() {
        for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
            checks.push(format!("FileAvailable--etc-kubernetes-manifests-{component}.yaml"));
        }
        for port in [cluster.endpoint_port, 10257, 10259, 2379, 2380] {
            checks.push(format!("Port-{port}"));
        }
        checks.push("DirAvailable--var-lib-etcd".to_owned());
    }
    checks
}

fn init_configuration<'a>(
    cluster: &Cluster<'_>,
    node: &Node<'_>,
    token: &'a Secret<String>,
    certificate_key: Option<&'a Secret<String>>,
) -> InitConfiguration<'a> {
    InitConfiguration {
        api_version: API_VERSION,
        kind: "InitConfiguration",
        // kubeadm makes one in any case; ours is known, so that it can be taken away again.
        bootstrap_tokens: vec![BootstrapToken { token: token.expose(), ttl: "24h" }],
        local_api_endpoint: api_endpoint(cluster, node),
        node_registration: node_registration(cluster, node),
        certificate_key: certificate_key.map(|key| key.expose().as_str()),
        // It prints a token.
        skip_phases: vec!["show-join-command"],
        patches: None,
        timeouts: timeouts(&cluster.document.kubernetes.timeouts),
    }
}

fn cluster_configuration<'a>(cluster: &'a Cluster<'_>) -> ClusterConfiguration<'a> {
    let kubernetes = &cluster.document.kubernetes;
    let (ca_period, period) =
        (&cluster.document.pki.ca_certificate_validity_period, &cluster.document.pki.certificate_validity_period);
    let volume = |volume: &crate::config::schema::ExtraVolume| ExtraVolume {
        name: volume.name.clone(),
        host_path: volume.host_path.clone(),
        mount_path: volume.mount_path.clone(),
        read_only: volume.read_only,
        path_type: volume.path_type.clone(),
    };
    ClusterConfiguration {
        api_version: API_VERSION,
        kind: "ClusterConfiguration",
        cluster_name: cluster.name(),
        kubernetes_version: format!("v{}", kubernetes.version.value),
        control_plane_endpoint: cluster.control_plane_endpoint(),
        image_repository: &kubernetes.image_repository,
        // Without it kubeadm would renew leaves with RSA keys.
        encryption_algorithm: "ECDSA-P256",
        certificate_validity_period: period.to_string(),
        ca_certificate_validity_period: ca_period.to_string(),
        networking: Networking {
            pod_subnet: joined(&kubernetes.pod_subnet),
            service_subnet: joined(&kubernetes.service_subnet),
            dns_domain: kubernetes.dns_domain.as_str(),
        },
        api_server: ApiServer {
            cert_sans: super::certificates::cert_sans(cluster),
            extra_args: arguments(&kubernetes.api_server.extra_args),
            extra_volumes: kubernetes.api_server.extra_volumes.iter().map(volume).collect(),
        },
        controller_manager: Component { extra_args: controller_manager_arguments(cluster) },
        scheduler: Component { extra_args: arguments(&kubernetes.scheduler_extra_args) },
        etcd: Etcd {
            local: LocalEtcd {
                data_dir: "/var/lib/etcd",
                image_tag: cluster.document.etcd.image_tag.as_deref(),
                extra_args: arguments(&cluster.document.etcd.extra_args),
            },
        },
        // Kept in kubeadm-config, so that an upgrade does not bring kube-proxy either.
        proxy: (!cluster.has_kube_proxy()).then_some(Proxy { disabled: true }),
    }
}

/// The document's arguments, and the kubelet's folder of FlexVolume drivers where that is not kubeadm's default.
fn controller_manager_arguments(cluster: &Cluster<'_>) -> Vec<Argument> {
    let mut extra_args = cluster.document.kubernetes.controller_manager_extra_args.clone();
    if cluster.facts.mounts_flex_volumes()
        && let Some(directory) = kubelet_configuration(cluster).get("volumePluginDir").and_then(Value::as_str)
    {
        extra_args.entry("flex-volume-plugin-dir".to_owned()).or_insert_with(|| directory.to_owned());
    }
    arguments(&extra_args)
}

fn kubelet_configuration(cluster: &Cluster<'_>) -> Map<String, Value> {
    let mut configuration = Map::new();
    configuration.insert("apiVersion".to_owned(), "kubelet.config.k8s.io/v1beta1".into());
    configuration.insert("kind".to_owned(), "KubeletConfiguration".into());
    configuration.insert("cgroupDriver".to_owned(), "systemd".into());
    if let Some(directory) = cluster.flex_volume_directory() {
        configuration.insert("volumePluginDir".to_owned(), directory.into());
    }
    // containerd 1.6 pins nothing: the kubelet would delete what cannot be pulled again. With 100 it collects none.
    let kubelet = &cluster.document.kubernetes.kubelet;
    let says_when =
        ["imageGCHighThresholdPercent", "imageGCLowThresholdPercent"].iter().any(|key| kubelet.contains_key(*key));
    if cluster.document.software.loads_images && !says_when {
        configuration.insert("imageGCHighThresholdPercent".to_owned(), 100.into());
    }
    configuration.extend(kubelet.clone());
    configuration
}

fn kube_proxy_configuration(cluster: &Cluster<'_>) -> Option<Map<String, Value>> {
    let mode = match cluster.document.kubernetes.proxy.mode {
        ProxyMode::Iptables => "iptables",
        ProxyMode::Nftables => "nftables",
        ProxyMode::Ipvs => "ipvs",
        ProxyMode::None => return None,
    };
    let mut configuration = Map::new();
    configuration.insert("apiVersion".to_owned(), "kubeproxy.config.k8s.io/v1alpha1".into());
    configuration.insert("kind".to_owned(), "KubeProxyConfiguration".into());
    configuration.insert("mode".to_owned(), mode.into());
    configuration.extend(cluster.document.kubernetes.proxy.config.clone());
    if mode == "ipvs" {
        // Without it every node would answer ARP for the VIP that IPVS binds to its dummy interface.
        let ipvs = configuration.entry("ipvs").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(ipvs) = ipvs {
            ipvs.entry("strictARP").or_insert(true.into());
        }
    }
    Some(configuration)
}

fn api_endpoint(cluster: &Cluster<'_>, node: &Node<'_>) -> ApiEndpoint {
    ApiEndpoint { advertise_address: node.address.to_string(), bind_port: cluster.endpoint_port }
}

fn node_registration(cluster: &Cluster<'_>, node: &Node<'_>) -> NodeRegistration {
    NodeRegistration {
        name: node.name().to_owned(),
        cri_socket: "unix:///run/containerd/containerd.sock",
        image_pull_policy: "IfNotPresent",
        kubelet_extra_args: arguments(&node.kubelet_extra_args),
        ignore_preflight_errors: cluster.document.kubernetes.ignore_preflight_errors.clone(),
        taints: node.declared.taints.as_ref().map(|taints| taints.iter().map(taint).collect()),
    }
}

fn taint(taint: &Taint) -> NodeTaint {
    NodeTaint {
        key: taint.key.to_string(),
        value: taint.value.to_string(),
        effect: match taint.effect {
            TaintEffect::NoSchedule => "NoSchedule",
            TaintEffect::PreferNoSchedule => "PreferNoSchedule",
            TaintEffect::NoExecute => "NoExecute",
        },
    }
}

fn timeouts(timeouts: &Timeouts) -> KubeadmTimeouts {
    KubeadmTimeouts {
        control_plane_component_health_check: timeouts.control_plane_component_health_check.to_string(),
        discovery: timeouts.discovery.to_string(),
        etcd_api_call: timeouts.etcd_api_call.to_string(),
        kubelet_health_check: timeouts.kubelet_health_check.to_string(),
        kubernetes_api_call: timeouts.kubernetes_api_call.to_string(),
        tls_bootstrap: timeouts.tls_bootstrap.to_string(),
    }
}

fn arguments(arguments: &BTreeMap<String, String>) -> Vec<Argument> {
    arguments.iter().map(|(name, value)| Argument { name: name.clone(), value: value.clone() }).collect()
}

fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// `https://<address>:<port>` of one node's own API server.
#[must_use]
pub fn server_url(cluster: &Cluster<'_>, node: &Node<'_>) -> String {
    format!("https://{}:{}", url_host(node.address), cluster.endpoint_port)
}
