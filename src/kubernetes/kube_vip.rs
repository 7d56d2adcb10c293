//! kube-vip: the static Pod that raises the endpoint's address (ARP mode), and the rights of its own identity.
//!
//! Environment variables are those of kube-vip v1.2.3 (`pkg/kubevip/config_envvar.go`); that a kubeconfig named by
//! `k8s_config_file` other than admin.conf is used as it is, is `pkg/manager/manager.go` of the same release.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::{
    Capabilities, Container, EnvVar, EnvVarSource, HostPathVolumeSource, ObjectFieldSelector, Pod, PodSpec,
    SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::cluster::Cluster;
use crate::yaml::{self, YamlError};

/// The user name in kube-vip's client certificate.
pub const USER: &str = "hagen:kube-vip";
/// Its kubeconfig, on each control plane, for that machine's own API server.
pub const KUBECONFIG: &str = "/etc/kubernetes/kube-vip.conf";
/// What stands for the interface until the machine knows which one holds its address.
pub const INTERFACE: &str = "@INTERFACE@";

const NAME: &str = "hagen-kube-vip";
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// The static Pod's manifest, with [`INTERFACE`] for its interface. It is the same on every control plane.
///
/// # Errors
/// [`YamlError`] never, in practice: every value is text.
pub fn pod(cluster: &Cluster<'_>) -> Result<String, YamlError> {
    let settings = &cluster.document.endpoint.kube_vip;
    let variable = |name: &str, value: String| EnvVar { name: name.to_owned(), value: Some(value), value_from: None };
    let subnet = match cluster.vip {
        IpAddr::V4(_) => "32",
        IpAddr::V6(_) => "128",
    };
    let mut environment = vec![
        variable("vip_arp", "true".to_owned()),
        variable("port", cluster.endpoint_port.to_string()),
        EnvVar {
            name: "vip_nodename".to_owned(),
            value: None,
            value_from: Some(EnvVarSource {
                field_ref: Some(ObjectFieldSelector { field_path: "spec.nodeName".to_owned(), ..Default::default() }),
                ..Default::default()
            }),
        },
        variable("vip_interface", INTERFACE.to_owned()),
        variable("vip_subnet", subnet.to_owned()),
        variable("cp_enable", "true".to_owned()),
        variable("cp_namespace", "kube-system".to_owned()),
    ];
    if settings.services {
        environment.push(variable("svc_enable", "true".to_owned()));
        environment.push(variable("svc_leasename", "plndr-svcs-lock".to_owned()));
    }
    environment.extend([
        variable("vip_leaderelection", "true".to_owned()),
        variable("vip_leasename", "plndr-cp-lock".to_owned()),
        variable("vip_leaseduration", settings.lease_duration.to_string()),
        variable("vip_renewdeadline", settings.renew_deadline.to_string()),
        variable("vip_retryperiod", settings.retry_period.to_string()),
        variable("address", cluster.vip.to_string()),
        variable("prometheus_server", ":2112".to_owned()),
        variable("k8s_config_file", KUBECONFIG.to_owned()),
    ]);

    let container = Container {
        name: "kube-vip".to_owned(),
        image: Some(cluster.kube_vip_image().to_owned()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        args: Some(vec!["manager".to_owned()]),
        env: Some(environment),
        security_context: Some(SecurityContext {
            capabilities: Some(Capabilities {
                add: Some(vec!["NET_ADMIN".to_owned(), "NET_RAW".to_owned()]),
                drop: Some(vec!["ALL".to_owned()]),
            }),
            ..Default::default()
        }),
        volume_mounts: Some(vec![VolumeMount {
            name: "kubeconfig".to_owned(),
            mount_path: KUBECONFIG.to_owned(),
            read_only: Some(true),
            ..Default::default()
        }]),
        ..Default::default()
    };
    let pod = Pod {
        metadata: metadata("kube-vip"),
        spec: Some(PodSpec {
            containers: vec![container],
            host_network: Some(true),
            priority_class_name: Some("system-node-critical".to_owned()),
            volumes: Some(vec![Volume {
                name: "kubeconfig".to_owned(),
                host_path: Some(HostPathVolumeSource {
                    path: KUBECONFIG.to_owned(),
                    // Without a type, a missing file would be made a directory.
                    type_: Some("File".to_owned()),
                }),
                ..Default::default()
            }]),
            ..Default::default()
        }),
        status: None,
    };
    yaml::to_string("kube-vip's Pod", &pod)
}

/// Its rights: leases in kube-system and, with Services, what announcing them needs (`cmd/kube-vip.go`,
/// `GenerateRole` of v1.2.3).
///
/// # Errors
/// [`YamlError`], as [`pod`].
pub fn rbac(cluster: &Cluster<'_>) -> Result<String, YamlError> {
    let role = Role {
        metadata: metadata(NAME),
        rules: Some(vec![rule("coordination.k8s.io", &["leases"], &["get", "list", "watch", "create", "update"])]),
    };
    let binding = RoleBinding { metadata: metadata(NAME), role_ref: role_ref("Role"), subjects: Some(vec![subject()]) };
    let mut documents =
        vec![yaml::to_string("kube-vip's Role", &role)?, yaml::to_string("kube-vip's RoleBinding", &binding)?];
    if cluster.document.endpoint.kube_vip.services {
        let role = ClusterRole {
            metadata: ObjectMeta { name: Some(NAME.to_owned()), ..Default::default() },
            rules: Some(vec![
                rule("", &["services", "endpoints"], &["get", "list", "watch", "update"]),
                rule("", &["services/status"], &["update"]),
                rule("", &["nodes"], &["get", "list", "watch", "update", "patch"]),
                rule("", &["pods"], &["list"]),
                rule("discovery.k8s.io", &["endpointslices"], &["get", "list", "watch", "update"]),
            ]),
            ..Default::default()
        };
        let binding = ClusterRoleBinding {
            metadata: role.metadata.clone(),
            role_ref: role_ref("ClusterRole"),
            subjects: Some(vec![subject()]),
        };
        documents.push(yaml::to_string("kube-vip's ClusterRole", &role)?);
        documents.push(yaml::to_string("kube-vip's ClusterRoleBinding", &binding)?);
    }
    Ok(yaml::documents(&documents))
}

fn metadata(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), namespace: Some("kube-system".to_owned()), ..Default::default() }
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(owned(resources)),
        verbs: owned(verbs),
        ..Default::default()
    }
}

fn role_ref(kind: &str) -> RoleRef {
    RoleRef { api_group: Some(RBAC_GROUP.to_owned()), kind: kind.to_owned(), name: NAME.to_owned() }
}

fn subject() -> Subject {
    Subject { api_group: Some(RBAC_GROUP.to_owned()), kind: "User".to_owned(), name: USER.to_owned(), namespace: None }
}
