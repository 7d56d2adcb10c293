//! The file a client finds its cluster and itself in.
//! In: names, the server's URL, the authority and a client certificate. Out: YAML.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::{KeyPair, PkiError};
use crate::secrets::Secret;
use crate::yaml;

/// A kubeconfig with one cluster, one user and one context, which is the current one (kubeadm refuses a
/// file without). The context is named `user@cluster`, as kubeadm names it.
///
/// # Errors
/// [`PkiError::Kubeconfig`].
pub fn kubeconfig(
    cluster_name: &str,
    server_url: &str,
    ca_pem: &str,
    user_name: &str,
    key_pair: &KeyPair,
) -> Result<Secret<String>, PkiError> {
    let context_name = format!("{user_name}@{cluster_name}");
    let key = Secret::new(STANDARD.encode(key_pair.key_pem.expose()));
    let file = Kubeconfig {
        api_version: "v1",
        kind: "Config",
        clusters: [NamedCluster {
            name: cluster_name,
            cluster: Cluster { certificate_authority_data: STANDARD.encode(ca_pem), server: server_url },
        }],
        users: [NamedUser {
            name: user_name,
            user: User {
                client_certificate_data: STANDARD.encode(&key_pair.certificate_pem),
                client_key_data: key.expose(),
            },
        }],
        contexts: [NamedContext { name: &context_name, context: Context { cluster: cluster_name, user: user_name } }],
        current_context: &context_name,
    };
    yaml::to_string("a kubeconfig", &file)
        .map(Secret::new)
        .map_err(|_| PkiError::Kubeconfig { user: user_name.to_owned() })
}

/// `clientcmd/api/v1.Config`, as far as it is used.
#[derive(Serialize)]
struct Kubeconfig<'a> {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    kind: &'static str,
    clusters: [NamedCluster<'a>; 1],
    users: [NamedUser<'a>; 1],
    contexts: [NamedContext<'a>; 1],
    #[serde(rename = "current-context")]
    current_context: &'a str,
}

#[derive(Serialize)]
struct NamedCluster<'a> {
    name: &'a str,
    cluster: Cluster<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster<'a> {
    certificate_authority_data: String,
    server: &'a str,
}

#[derive(Serialize)]
struct NamedUser<'a> {
    name: &'a str,
    user: User<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct User<'a> {
    client_certificate_data: String,
    client_key_data: &'a str,
}

#[derive(Serialize)]
struct NamedContext<'a> {
    name: &'a str,
    context: Context<'a>,
}

#[derive(Serialize)]
struct Context<'a> {
    cluster: &'a str,
    user: &'a str,
}
