//! What a leaf certificate says.
//! In: a request by name, usage and addresses. Out: rcgen's parameters in kubeadm's profile.

use std::collections::BTreeSet;
use std::net::IpAddr;

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType};
use time::OffsetDateTime;

use super::PkiError;
use super::authority::ia5;
use crate::secrets::Secret;

/// A wish for a leaf certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafRequest {
    /// What the key is derived from, such as `etcd/server/cp1`. Equal labels mean the same key, so there must
    /// be one for each certificate of the cluster, and it must never change.
    pub label: String,
    /// Subject: common name.
    pub common_name: String,
    /// Subject: organisation, which Kubernetes reads as a group.
    pub organization: Option<String>,
    /// What the holder may do.
    pub usage: Usage,
    /// Alternative names, in the order in which they shall stand. Repetitions are dropped.
    pub dns_names: Vec<String>,
    /// Alternative addresses, behind the names. Repetitions are dropped.
    pub ip_addresses: Vec<IpAddr>,
}

/// Extended key usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// TLS server.
    Server,
    /// TLS client.
    Client,
    /// Both, for etcd's members.
    ServerAndClient,
}

/// A private key and its certificate.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The certificate.
    pub certificate_pem: String,
    /// The key: SEC1.
    pub key_pem: Secret<String>,
    /// When the certificate ends.
    pub not_after: OffsetDateTime,
}

/// kubeadm's profile (`util/pkiutil/pki_helpers.go`) without key and times.
pub(super) fn params(request: &LeafRequest) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    // Organisation first, the order of Go's pkix.Name.
    if let Some(organization) = &request.organization {
        params.distinguished_name.push(DnType::OrganizationName, organization.as_str());
    }
    params.distinguished_name.push(DnType::CommonName, request.common_name.as_str());
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = match request.usage {
        Usage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Usage::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
        Usage::ServerAndClient => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
    };
    let mut seen_names = BTreeSet::new();
    for name in request.dns_names.iter().filter(|name| seen_names.insert(*name)) {
        params.subject_alt_names.push(SanType::DnsName(ia5(name)?));
    }
    let mut seen_addresses = BTreeSet::new();
    let addresses = request.ip_addresses.iter().filter(|address| seen_addresses.insert(*address));
    params.subject_alt_names.extend(addresses.copied().map(SanType::IpAddress));
    Ok(params)
}
