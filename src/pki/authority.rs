//! The cluster's three authorities, derived or imported, and the one place where certificates are signed.
//! In: the secrets and what a certificate shall say. Out: PEM.

use rcgen::string::{Ia5String, PrintableString};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyIdMethod,
    KeyUsagePurpose, SanType, SerialNumber,
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, Utf8StringRef};
use x509_cert::der::{Any, Tag, Tagged};
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::name::Name;

use super::key::{Key, Unsigned};
use super::leaf::{self, KeyPair, LeafRequest};
use super::{PkiError, Validity};
use crate::secrets::{ImportedAuthority, Secret, Secrets, hexadecimal, pem};

/// Which authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthorityKind {
    /// Signs the API server and everyone who speaks to it.
    Cluster,
    /// Signs the API server's client for the aggregation layer.
    FrontProxy,
    /// Signs etcd's members and clients.
    Etcd,
}

impl AuthorityKind {
    /// Common name, as kubeadm's; also the label that the key is derived from.
    pub const fn common_name(self) -> &'static str {
        match self {
            Self::Cluster => "kubernetes",
            Self::FrontProxy => "front-proxy-ca",
            Self::Etcd => "etcd-ca",
        }
    }

    fn imported(self, secrets: &Secrets) -> Option<&ImportedAuthority> {
        let import = secrets.import();
        match self {
            Self::Cluster => import.ca.as_ref(),
            Self::FrontProxy => import.front_proxy_ca.as_ref(),
            Self::Etcd => import.etcd_ca.as_ref(),
        }
    }
}

/// An authority. Its texts are made once, for many bundles carry them.
pub struct Authority {
    kind: AuthorityKind,
    /// Subject and key identifier, which leaves repeat.
    params: CertificateParams,
    key: Key,
    certificate_pem: String,
    key_pem: Secret<String>,
    spki_der: Vec<u8>,
}

impl Authority {
    /// The authority of one kind: the imported one if there is one, else derived and signed by itself.
    ///
    /// # Errors
    /// [`PkiError::Subject`] (imported), [`PkiError::Encoding`].
    pub fn new(secrets: &Secrets, kind: AuthorityKind, validity: &Validity) -> Result<Self, PkiError> {
        match kind.imported(secrets) {
            Some(imported) => Self::imported(kind, imported),
            None => Self::derived(secrets, kind, validity),
        }
    }

    /// As client-go's `NewSelfSignedCACert`, which kubeadm calls.
    fn derived(secrets: &Secrets, kind: AuthorityKind, validity: &Validity) -> Result<Self, PkiError> {
        let name = kind.common_name();
        let key = Key::new(secrets.signing_key(&format!("authority/{name}")));
        let mut params = CertificateParams::default();
        params.not_before = validity.not_before();
        params.not_after = validity.ca_not_after();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = vec![SanType::DnsName(ia5(name)?)];
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment, KeyUsagePurpose::KeyCertSign];
        params.key_identifier_method = KeyIdMethod::PreSpecified(key.identifier());
        let der = sign(secrets, params.clone(), &key, &params, &key)
            .map_err(|error| PkiError::Encoding { subject: name.to_owned(), reason: error.to_string() })?;
        Ok(Self::with(kind, params, key, pem::encode("CERTIFICATE", &der)))
    }

    /// Issues under the certificate as it is, so under its subject (byte for byte: Go compares bytes), its
    /// key identifier and its end.
    fn imported(kind: AuthorityKind, imported: &ImportedAuthority) -> Result<Self, PkiError> {
        let tbs = imported.certificate().tbs_certificate();
        let key = Key::new(imported.key().signing_key().clone());
        // Without an identifier in the certificate nobody compares the one in leaves.
        let identifier = match tbs.get_extension::<SubjectKeyIdentifier>() {
            Ok(Some((_, identifier))) => identifier.0.as_bytes().to_vec(),
            _ => key.identifier(),
        };
        let mut params = CertificateParams::default();
        params.not_after = instant(tbs.validity().not_after.to_unix_duration());
        params.distinguished_name =
            repeated(tbs.subject()).ok_or(PkiError::Subject { authority: kind.common_name() })?;
        params.key_identifier_method = KeyIdMethod::PreSpecified(identifier);
        Ok(Self::with(kind, params, key, imported.certificate_pem().to_owned()))
    }

    fn with(kind: AuthorityKind, params: CertificateParams, key: Key, certificate_pem: String) -> Self {
        let (key_pem, spki_der) = (key.private_pem(), key.spki_der());
        Self { kind, params, key, certificate_pem, key_pem, spki_der }
    }

    /// Which one.
    pub const fn kind(&self) -> AuthorityKind {
        self.kind
    }

    /// `ca.crt`: one certificate, or all that were imported.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// `ca.key`: SEC1.
    pub const fn key_pem(&self) -> &Secret<String> {
        &self.key_pem
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki_der
    }

    /// End of the authority's certificate.
    pub const fn not_after(&self) -> OffsetDateTime {
        self.params.not_after
    }

    /// A leaf's key and certificate. The same request gives the same pair.
    ///
    /// # Errors
    /// [`PkiError::DnsName`], [`PkiError::AuthorityExpired`], [`PkiError::Encoding`].
    pub fn issue(&self, secrets: &Secrets, request: &LeafRequest, validity: &Validity) -> Result<KeyPair, PkiError> {
        let not_after = validity.not_after().min(self.not_after());
        if not_after <= validity.not_before() {
            return Err(PkiError::AuthorityExpired { authority: self.kind.common_name(), not_after });
        }
        let key = Key::new(secrets.signing_key(&format!("leaf/{}", request.label)));
        let mut params = leaf::params(request)?;
        params.not_before = validity.not_before();
        params.not_after = not_after;
        params.key_identifier_method = KeyIdMethod::PreSpecified(key.identifier());
        params.use_authority_key_identifier_extension = true;
        let der = sign(secrets, params, &key, &self.params, &self.key)
            .map_err(|error| PkiError::Encoding { subject: request.common_name.clone(), reason: error.to_string() })?;
        Ok(KeyPair { certificate_pem: pem::encode("CERTIFICATE", &der), key_pem: key.private_pem(), not_after })
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What kubeadm's `caCertHashes` and `--discovery-token-ca-cert-hash` pin: the hash of the public key.
pub fn discovery_hash(authority: &Authority) -> String {
    format!("sha256:{}", hexadecimal(&Sha256::digest(authority.spki_der())))
}

/// A name for a certificate.
pub(super) fn ia5(name: &str) -> Result<Ia5String, PkiError> {
    Ia5String::try_from(name)
        .ok()
        .filter(|_| !name.is_empty())
        .ok_or_else(|| PkiError::DnsName { name: name.to_owned() })
}

/// Numbers and signs a certificate. Out: DER.
///
/// The serial number is a hash of the certificate itself, encoded with serial 0 and no signature, and of the
/// issuer's key: the same content has the same number, any other content another one. It starts with a key
/// from the seed, so that nobody can tell it beforehand.
fn sign(
    secrets: &Secrets,
    mut params: CertificateParams,
    subject: &Key,
    issuer_params: &CertificateParams,
    issuer: &Key,
) -> Result<Vec<u8>, rcgen::Error> {
    params.serial_number = Some(SerialNumber::from_slice(&[0]));
    let draft = params.signed_by(subject, &Issuer::from_params(issuer_params, Unsigned(issuer)))?;

    let hash = Sha256::new()
        .chain_update(secrets.derive("serial").expose())
        .chain_update(issuer.spki_der())
        .chain_update(draft.der());
    let mut serial = hash.finalize()[..16].to_vec();
    // Top bits 01: positive, and always 16 bytes long.
    serial[0] = serial[0] & 0x3f | 0x40;

    params.serial_number = Some(SerialNumber::from(serial));
    let certificate = params.signed_by(subject, &Issuer::from_params(issuer_params, issuer))?;
    Ok(certificate.der().to_vec())
}

/// An imported subject as rcgen writes it, if it would write the same bytes: one attribute in each part, no
/// attribute twice, and string types that it knows.
fn repeated(subject: &Name) -> Option<DistinguishedName> {
    let mut name = DistinguishedName::new();
    for part in subject.iter_rdn() {
        let [attribute] = part.as_ref().as_slice() else { return None };
        let arcs: Vec<u64> = attribute.oid.arcs().map(u64::from).collect();
        let kind = DnType::from_oid(&arcs);
        if name.get(&kind).is_some() {
            return None;
        }
        name.push(kind, string(&attribute.value)?);
    }
    Some(name)
}

fn string(value: &Any) -> Option<DnValue> {
    match value.tag() {
        Tag::Utf8String => Some(DnValue::Utf8String(value.decode_as::<Utf8StringRef<'_>>().ok()?.as_str().to_owned())),
        Tag::PrintableString => {
            let text = value.decode_as::<PrintableStringRef<'_>>().ok()?;
            PrintableString::try_from(text.as_str()).ok().map(DnValue::PrintableString)
        }
        Tag::Ia5String => {
            let text = value.decode_as::<Ia5StringRef<'_>>().ok()?;
            Ia5String::try_from(text.as_str()).ok().map(DnValue::Ia5String)
        }
        _ => None,
    }
}

/// X.509 times end with the year 9999, and so do `time`'s.
fn instant(since_1970: std::time::Duration) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + since_1970
}
