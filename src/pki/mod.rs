//! Certificates, keys and kubeconfigs, without any knowledge of which ones Kubernetes wants.
//! In: [`crate::secrets::Secrets`], periods, and requests for leaves. Out: PEM and YAML text, always the same.
//!
//! Keys are derived, signatures are deterministic (RFC 6979), serial numbers are hashes of the content, and
//! all times follow from `issuedAt`. Why rcgen is pinned: another patch release writes other bytes.

mod authority;
mod key;
mod kubeconfig;
mod leaf;
mod service_account;
mod validity;

pub use self::authority::{Authority, AuthorityKind, discovery_hash};
pub use self::kubeconfig::kubeconfig;
pub use self::leaf::{KeyPair, LeafRequest, Usage};
pub use self::service_account::{ServiceAccountKey, service_account};
pub use self::validity::Validity;

use crate::secrets::timestamp;

/// A certificate or kubeconfig that cannot be made. Texts hold names, never keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// A period that leads out of the years 1950 to 9999, which is what certificates can say.
    #[error("a validity period of {seconds} s around {} leads out of the years 1950 to 9999", timestamp(*.issued_at))]
    Period {
        /// The period.
        seconds: u64,
        /// What it counts from.
        issued_at: time::OffsetDateTime,
    },
    /// The authority ends before the certificate would start.
    #[error(
        "the authority `{authority}` has expired: it ended {}, before the certificates of this secrets file start", timestamp(*.not_after)
    )]
    AuthorityExpired {
        /// Its common name, as kubeadm would call it.
        authority: &'static str,
        /// Its end.
        not_after: time::OffsetDateTime,
    },
    /// The imported authority's subject cannot be repeated as issuer byte for byte.
    #[error(
        "the imported authority `{authority}` has a subject that is not supported: it must be a list of different attributes, each a UTF8String, PrintableString or IA5String"
    )]
    Subject {
        /// Its common name, as kubeadm would call it.
        authority: &'static str,
    },
    /// A name that cannot stand in a certificate.
    #[error("`{name}` cannot be a DNS name of a certificate: it is empty or not ASCII")]
    DnsName {
        /// The name.
        name: String,
    },
    /// The encoder refused.
    #[error("encoding the certificate of `{subject}`: {reason}")]
    Encoding {
        /// The certificate's common name.
        subject: String,
        /// The encoder's words.
        reason: String,
    },
    /// The YAML writer refused.
    #[error("writing the kubeconfig of `{user}`")]
    Kubeconfig {
        /// The user's name.
        user: String,
    },
}
