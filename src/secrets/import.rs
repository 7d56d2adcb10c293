//! Material of an existing cluster that hagen goes on with: authorities and the service-account key.
//! In: PEM text as a person pasted it. Out: keys that sign, and certificates that were checked against them.

use p256::SecretKey;
use p256::ecdsa::{SigningKey, VerifyingKey};
use p256::pkcs8::spki::DecodePublicKey;
use p256::pkcs8::{AssociatedOid, ObjectIdentifier, PrivateKeyInfoRef};
use sec1::{EcParameters, EcPrivateKey};
use x509_cert::Certificate;
use x509_cert::der::{self, Decode, Encode};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

use super::{Problem, Secret, pem};

/// RSA, in the algorithm field of a PKCS#8 key (RFC 8017).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// A key on an elliptic curve that the parameters name (RFC 5480).
const ELLIPTIC_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// Everything that was brought along from an existing cluster. What is absent is derived from the seed.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// `ca`: signs the API server and its clients.
    pub ca: Option<ImportedAuthority>,
    /// `frontProxyCa`: signs the client of the aggregation layer.
    pub front_proxy_ca: Option<ImportedAuthority>,
    /// `etcdCa`: signs etcd's members and clients.
    pub etcd_ca: Option<ImportedAuthority>,
    /// `serviceAccountKey`: signs service-account tokens.
    pub service_account_key: Option<ImportedKey>,
}

/// A private key of an existing cluster: P-256.
#[derive(Clone)]
pub struct ImportedKey(SigningKey);

impl ImportedKey {
    /// Reads the first key of a PEM text.
    ///
    /// # Errors
    /// [`Problem::UnsupportedKey`] for RSA, other curves and encrypted keys, [`Problem::Unreadable`] otherwise.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        const EXPECTED: Problem = Problem::Unreadable { expected: "a private key in PEM" };
        // `openssl ecparam -genkey` puts the curve's name into a block of its own before the key.
        let (label, der) = blocks(text)
            .find(|block| !matches!(block, Ok((label, _)) if label == "EC PARAMETERS"))
            .ok_or(EXPECTED)?
            .map_err(|_| EXPECTED)?;
        let key = match label.as_str() {
            "EC PRIVATE KEY" => {
                let parsed = EcPrivateKey::from_der(der.expose()).map_err(|_| EXPECTED)?;
                match parsed.parameters {
                    Some(EcParameters::NamedCurve(curve)) if curve != p256::NistP256::OID => {
                        return Err(Problem::UnsupportedKey { found: "elliptic-curve (other than P-256)" });
                    }
                    _ => SecretKey::try_from(parsed).map_err(|_| EXPECTED)?,
                }
            }
            "PRIVATE KEY" => {
                let parsed = PrivateKeyInfoRef::from_der(der.expose()).map_err(|_| EXPECTED)?;
                match (parsed.algorithm.oid, parsed.algorithm.parameters_oid()) {
                    (ELLIPTIC_CURVE, Ok(p256::NistP256::OID)) => SecretKey::try_from(parsed).map_err(|_| EXPECTED)?,
                    (ELLIPTIC_CURVE, _) => {
                        return Err(Problem::UnsupportedKey { found: "elliptic-curve (other than P-256)" });
                    }
                    (RSA, _) => return Err(Problem::UnsupportedKey { found: "RSA" }),
                    _ => return Err(Problem::UnsupportedKey { found: "neither RSA nor elliptic-curve" }),
                }
            }
            "RSA PRIVATE KEY" => return Err(Problem::UnsupportedKey { found: "RSA" }),
            "ENCRYPTED PRIVATE KEY" => return Err(Problem::UnsupportedKey { found: "encrypted" }),
            _ => return Err(EXPECTED),
        };
        Ok(Self(SigningKey::from(key)))
    }

    /// The key itself.
    pub const fn signing_key(&self) -> &SigningKey {
        &self.0
    }
}

impl std::fmt::Debug for ImportedKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ImportedKey(redacted)")
    }
}

/// An authority of an existing cluster. The key belongs to the certificate, and the certificate may sign.
#[derive(Debug, Clone)]
pub struct ImportedAuthority {
    certificate_pem: String,
    certificate: Certificate,
    key: ImportedKey,
}

impl ImportedAuthority {
    /// Reads and checks an authority: its certificate (of several the first, as kubeadm does, but all
    /// are kept) and its private key, both PEM.
    ///
    /// # Errors
    /// Those of [`ImportedKey::parse`], and [`Problem::Unreadable`], [`Problem::NotAnAuthority`] or
    /// [`Problem::KeyMismatch`].
    pub fn parse(certificate: &str, key: &str) -> Result<Self, Problem> {
        Self::new(Self::read_certificates(certificate)?, ImportedKey::parse(key)?)
    }

    /// The checks that need both halves.
    pub(super) fn new(
        (certificate_pem, certificate): (String, Certificate),
        key: ImportedKey,
    ) -> Result<Self, Problem> {
        let authority = Self { certificate_pem, certificate, key };
        authority.may_sign()?;
        authority.owns_key()?;
        Ok(authority)
    }

    /// The certificates of a PEM text, written anew in the same order, and the first of them parsed.
    ///
    /// # Errors
    /// [`Problem::Unreadable`].
    pub(super) fn read_certificates(text: &str) -> Result<(String, Certificate), Problem> {
        const EXPECTED: Problem = Problem::Unreadable { expected: "a certificate in PEM" };
        let mut pem = String::new();
        let mut first = None;
        for block in blocks(text) {
            let (label, der) = block.map_err(|_| EXPECTED)?;
            let certificate = Certificate::from_der(der.expose()).map_err(|_| EXPECTED)?;
            if label != "CERTIFICATE" {
                return Err(EXPECTED);
            }
            pem.push_str(&pem::encode(&label, der.expose()));
            first = first.or(Some(certificate));
        }
        Ok((pem, first.ok_or(EXPECTED)?))
    }

    /// The certificates' PEM: the imported DER, unchanged.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The authority's own certificate.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The key that signs.
    pub const fn key(&self) -> &ImportedKey {
        &self.key
    }

    fn may_sign(&self) -> Result<(), Problem> {
        let tbs = self.certificate.tbs_certificate();
        let constraints = tbs.get_extension::<BasicConstraints>().map_err(|_| Problem::NotAnAuthority)?;
        let usage = tbs.get_extension::<KeyUsage>().map_err(|_| Problem::NotAnAuthority)?;
        let is_authority = constraints.is_some_and(|(_, constraints)| constraints.ca);
        let signs_certificates = usage.is_none_or(|(_, usage)| usage.key_cert_sign());
        if is_authority && signs_certificates { Ok(()) } else { Err(Problem::NotAnAuthority) }
    }

    fn owns_key(&self) -> Result<(), Problem> {
        let spki = self.certificate.tbs_certificate().subject_public_key_info();
        let spki = spki.to_der().map_err(|_| Problem::KeyMismatch)?;
        match VerifyingKey::from_public_key_der(&spki) {
            Ok(public) if public == *self.key.0.verifying_key() => Ok(()),
            _ => Err(Problem::KeyMismatch),
        }
    }
}

/// The PEM blocks of a text, in order: label and content. Text around them is skipped.
fn blocks(text: &str) -> impl Iterator<Item = der::pem::Result<(String, Secret<Vec<u8>>)>> {
    text.match_indices("-----BEGIN ").map(|(start, _)| {
        let rest = &text[start..];
        // Up to the next block, since the decoder refuses anything after the end.
        let end = rest[1..].find("-----BEGIN ").map_or(rest.len(), |next| next + 1);
        let block = rest[..end].rfind("-----END ").map_or(&rest[..end], |closing| {
            let line = rest[closing..end].find('\n').map_or(end, |length| closing + length);
            &rest[..line]
        });
        // Not every tool breaks lines at 64 columns.
        let mut decoder = der::pem::Decoder::new_detect_wrap(block.trim_end().as_bytes())?;
        let mut der = Vec::with_capacity(decoder.remaining_len());
        decoder.decode_to_end(&mut der)?;
        Ok((decoder.type_label().to_owned(), Secret::new(der)))
    })
}
