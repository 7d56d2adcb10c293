//! The pair that signs and checks service-account tokens.
//! In: the secrets. Out: `sa.key` and `sa.pub`.

use super::key::Key;
use crate::secrets::{Secret, Secrets, pem};

/// `sa.key` and `sa.pub`. All control planes share them.
#[derive(Debug, Clone)]
pub struct ServiceAccountKey {
    /// `sa.key`: SEC1.
    pub private_pem: Secret<String>,
    /// `sa.pub`: PKIX. kubeadm does not make it when `sa.key` is there.
    pub public_pem: String,
}

/// The imported pair, or the derived one.
pub fn service_account(secrets: &Secrets) -> ServiceAccountKey {
    let imported = secrets.import().service_account_key.as_ref();
    let key = Key::new(match imported {
        Some(imported) => imported.signing_key().clone(),
        None => secrets.signing_key("service-account"),
    });
    ServiceAccountKey { private_pem: key.private_pem(), public_pem: pem::encode("PUBLIC KEY", &key.spki_der()) }
}
