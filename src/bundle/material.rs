//! What the secrets of a cluster yield, made once for all its bundles.
//!
//! Secrets and lifetimes come in; authorities, the service account's key pair, the token and the certificate key go out.

use crate::cluster::Cluster;
use crate::pki::{self, Authority, AuthorityKind, KeyPair, LeafRequest, PkiError, ServiceAccountKey, Validity};
use crate::secrets::{Secret, Secrets};

/// Keys and certificates of the whole cluster.
pub struct Material {
    secrets: Secrets,
    /// From when to when certificates are valid.
    pub validity: Validity,
    /// The cluster's authority.
    pub ca: Authority,
    /// The front proxy's.
    pub front_proxy_ca: Authority,
    /// etcd's.
    pub etcd_ca: Authority,
    /// What signs the tokens of service accounts.
    pub service_account: ServiceAccountKey,
    /// `<id>.<secret>`.
    pub bootstrap_token: Secret<String>,
    /// What uploaded certificates are encrypted with.
    pub certificate_key: Secret<String>,
    /// `sha256:<hex>` of the cluster authority's public key.
    pub discovery_hash: String,
}

impl Material {
    /// Derives all of it.
    ///
    /// # Errors
    /// [`PkiError`] when an imported authority does not fit.
    pub fn derive(cluster: &Cluster<'_>, secrets: &Secrets) -> Result<Self, PkiError> {
        let (ca_period, period) = cluster.validity_periods();
        let validity = Validity::new(secrets.issued_at(), ca_period, period)?;
        let authority = |kind| Authority::new(secrets, kind, &validity);
        let ca = authority(AuthorityKind::Cluster)?;
        Ok(Self {
            discovery_hash: pki::discovery_hash(&ca),
            ca,
            front_proxy_ca: authority(AuthorityKind::FrontProxy)?,
            etcd_ca: authority(AuthorityKind::Etcd)?,
            service_account: pki::service_account(secrets),
            bootstrap_token: secrets.bootstrap_token(),
            certificate_key: secrets.certificate_key(),
            secrets: secrets.clone(),
            validity,
        })
    }

    /// Signs a leaf.
    ///
    /// # Errors
    /// [`PkiError`] when a name cannot be in a certificate.
    pub fn issue(&self, kind: AuthorityKind, request: &LeafRequest) -> Result<KeyPair, PkiError> {
        let authority = match kind {
            AuthorityKind::Cluster => &self.ca,
            AuthorityKind::FrontProxy => &self.front_proxy_ca,
            AuthorityKind::Etcd => &self.etcd_ca,
        };
        authority.issue(&self.secrets, request, &self.validity)
    }

    /// Signs a client of the API server.
    ///
    /// # Errors
    /// [`PkiError`], as [`Self::issue`].
    pub fn issue_client(&self, request: &LeafRequest) -> Result<KeyPair, PkiError> {
        self.issue(AuthorityKind::Cluster, request)
    }
}
