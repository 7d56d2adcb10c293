//! Checks what `pki` makes with implementations other than the ones that made it: chains, usages and names
//! with webpki, fields with x509-cert.

#![expect(clippy::unwrap_used, clippy::panic, reason = "clippy knows tests, but not the functions that they share")]

use std::net::IpAddr;
use std::time::Duration;

use hagen::pki::{
    Authority, AuthorityKind, KeyPair, LeafRequest, PkiError, Usage, Validity, discovery_hash, kubeconfig,
    service_account,
};
use hagen::secrets::{Import, ImportedAuthority, ImportedKey, Secrets};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey, DecodePublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, ServerName, SignatureVerificationAlgorithm, UnixTime, alg_id,
};
use time::OffsetDateTime;
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix;

const YEAR: Duration = Duration::from_hours(24 * 365);
/// 2026-11-21T09:14:00Z.
const ISSUED_AT: u64 = 1_795_252_440;

fn secrets() -> Secrets {
    Secrets::new([42; 32], issued_at())
}

fn issued_at() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(ISSUED_AT.try_into().unwrap()).unwrap()
}

fn validity() -> Validity {
    Validity::new(issued_at(), 10 * YEAR, YEAR).unwrap()
}

fn authority(kind: AuthorityKind) -> Authority {
    Authority::new(&secrets(), kind, &validity()).unwrap()
}

fn etcd_server() -> LeafRequest {
    LeafRequest {
        label: "etcd/server/cp1".to_owned(),
        common_name: "cp1".to_owned(),
        organization: None,
        usage: Usage::ServerAndClient,
        dns_names: ["cp1", "localhost", "cp1"].map(str::to_owned).to_vec(),
        ip_addresses: ["10.9.0.11", "127.0.0.1", "::1", "127.0.0.1"].map(|ip| ip.parse().unwrap()).to_vec(),
    }
}

fn admin() -> LeafRequest {
    LeafRequest {
        label: "admin".to_owned(),
        common_name: "kubernetes-admin".to_owned(),
        organization: Some("kubeadm:cluster-admins".to_owned()),
        usage: Usage::Client,
        dns_names: vec![],
        ip_addresses: vec![],
    }
}

fn issue(authority: &Authority, request: &LeafRequest) -> KeyPair {
    authority.issue(&secrets(), request, &validity()).unwrap()
}

fn certificate(pem: &str) -> Certificate {
    Certificate::from_der(&der(pem)).unwrap()
}

fn extension<'a, T: Decode<'a, Error = x509_cert::der::Error> + x509_cert::der::oid::AssociatedOid>(
    certificate: &'a Certificate,
) -> Option<(bool, T)> {
    certificate.tbs_certificate().get_extension::<T>().unwrap()
}

/// webpki's signature algorithm over p256, since ring and aws-lc need a C compiler.
#[derive(Debug)]
struct EcdsaP256Sha256;

impl SignatureVerificationAlgorithm for EcdsaP256Sha256 {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

/// Verifies a leaf against an authority's certificate, for one usage, at an instant.
fn verify(leaf_pem: &str, ca_pem: &str, usage: KeyUsage, at: u64) -> Result<(), webpki::Error> {
    let (leaf, ca) = (der(leaf_pem), der(ca_pem));
    let anchors = [webpki::anchor_from_trusted_cert(&ca)?];
    let time = UnixTime::since_unix_epoch(Duration::from_secs(at));
    let leaf = EndEntityCert::try_from(&leaf)?;
    leaf.verify_for_usage(&[&EcdsaP256Sha256], &anchors, &[], time, usage, None, None).map(|_| ())
}

fn answers_to(leaf_pem: &str, name: &str) -> bool {
    let leaf = der(leaf_pem);
    let name = ServerName::try_from(name).unwrap();
    EndEntityCert::try_from(&leaf).unwrap().verify_is_valid_for_subject_name(&name).is_ok()
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[test]
fn leaves_verify_for_their_usage_only() {
    for kind in [AuthorityKind::Cluster, AuthorityKind::FrontProxy, AuthorityKind::Etcd] {
        let authority = authority(kind);
        for (usage, server, client) in
            [(Usage::Server, true, false), (Usage::Client, false, true), (Usage::ServerAndClient, true, true)]
        {
            let leaf = issue(&authority, &LeafRequest { usage, ..etcd_server() });
            for (asked, expected) in [(KeyUsage::server_auth(), server), (KeyUsage::client_auth(), client)] {
                let result = verify(&leaf.certificate_pem, authority.certificate_pem(), asked, ISSUED_AT);
                match result {
                    Ok(()) => assert!(expected, "{kind:?} {usage:?} {asked:?} was accepted"),
                    Err(webpki::Error::RequiredEkuNotFoundContext(_)) => {
                        assert!(!expected, "{kind:?} {usage:?} {asked:?}")
                    }
                    Err(other) => panic!("{kind:?} {usage:?} {asked:?}: {other}"),
                }
            }
        }
    }
}

#[test]
fn leaves_answer_to_their_names_only() {
    let leaf = issue(&authority(AuthorityKind::Etcd), &etcd_server()).certificate_pem;
    for name in ["cp1", "localhost", "10.9.0.11", "127.0.0.1", "::1"] {
        assert!(answers_to(&leaf, name), "{name}");
    }
    for name in ["cp2", "cp1.example", "10.9.0.12", "127.0.0.2", "::2"] {
        assert!(!answers_to(&leaf, name), "{name}");
    }
}

#[test]
fn other_authorities_are_refused() {
    let leaf = issue(&authority(AuthorityKind::Etcd), &etcd_server()).certificate_pem;
    let other_kind = authority(AuthorityKind::Cluster);
    let other_seed = Authority::new(&Secrets::new([43; 32], issued_at()), AuthorityKind::Etcd, &validity()).unwrap();
    let result = |ca: &Authority| verify(&leaf, ca.certificate_pem(), KeyUsage::server_auth(), ISSUED_AT).unwrap_err();
    assert_eq!(result(&other_kind), webpki::Error::UnknownIssuer);
    // Same name, another key: the signature decides.
    assert_eq!(result(&other_seed), webpki::Error::InvalidSignatureForPublicKey);
}

#[test]
fn certificates_live_from_a_day_before_until_their_period_ends() {
    let authority = authority(AuthorityKind::Cluster);
    let leaf = issue(&authority, &admin());
    let at = |instant| verify(&leaf.certificate_pem, authority.certificate_pem(), KeyUsage::client_auth(), instant);
    let (start, end) = (ISSUED_AT - 86_400, ISSUED_AT + YEAR.as_secs());
    assert!(matches!(at(start - 1), Err(webpki::Error::CertNotValidYet { .. })));
    assert_eq!((at(start), at(end)), (Ok(()), Ok(())));
    assert!(matches!(at(end + 1), Err(webpki::Error::CertExpired { .. })));
    assert_eq!(leaf.not_after.unix_timestamp(), i64::try_from(end).unwrap());
}

#[test]
fn no_leaf_outlives_its_authority() {
    let short = Validity::new(issued_at(), YEAR, 2 * YEAR).unwrap();
    let authority = Authority::new(&secrets(), AuthorityKind::Cluster, &short).unwrap();
    let leaf = authority.issue(&secrets(), &admin(), &short).unwrap();
    assert_eq!(leaf.not_after, short.ca_not_after());
    let times = *certificate(&leaf.certificate_pem).tbs_certificate().validity();
    assert_eq!(times.not_after.to_unix_duration().as_secs(), ISSUED_AT + YEAR.as_secs());

    let century = Validity::new(issued_at() + 11 * YEAR, YEAR, YEAR).unwrap();
    let expired = authority.issue(&secrets(), &admin(), &century).unwrap_err();
    assert!(matches!(expired, PkiError::AuthorityExpired { authority: "kubernetes", .. }));
}

#[test]
fn authorities_have_kubeadms_profile() {
    for (kind, name) in [
        (AuthorityKind::Cluster, "kubernetes"),
        (AuthorityKind::FrontProxy, "front-proxy-ca"),
        (AuthorityKind::Etcd, "etcd-ca"),
    ] {
        let authority = authority(kind);
        let parsed = certificate(authority.certificate_pem());
        let tbs = parsed.tbs_certificate();
        assert_eq!(tbs.subject().to_string(), format!("CN={name}"));
        assert_eq!(tbs.issuer(), tbs.subject());
        assert_eq!(tbs.subject_public_key_info().to_der().unwrap(), authority.spki_der());
        let (critical, constraints) = extension::<pkix::BasicConstraints>(&parsed).unwrap();
        assert_eq!((critical, constraints.ca, constraints.path_len_constraint), (true, true, None));
        let (critical, usage) = extension::<pkix::KeyUsage>(&parsed).unwrap();
        assert!(critical && usage.digital_signature() && usage.key_encipherment() && usage.key_cert_sign());
        assert!(extension::<pkix::SubjectKeyIdentifier>(&parsed).is_some());
        assert!(extension::<pkix::ExtendedKeyUsage>(&parsed).is_none());
        assert_eq!(names(&parsed), [format!("DNS:{name}")]);
        let key = p256::SecretKey::from_pem(authority.key_pem().expose()).unwrap();
        assert!(authority.key_pem().expose().starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
        assert_eq!(key.public_key(), p256::PublicKey::from_public_key_der(authority.spki_der()).unwrap());
    }
}

#[test]
fn leaves_have_kubeadms_profile() {
    let authority = authority(AuthorityKind::Etcd);
    let ca = certificate(authority.certificate_pem());
    let ca_identifier = extension::<pkix::SubjectKeyIdentifier>(&ca).unwrap().1;

    let leaf = issue(&authority, &etcd_server());
    let parsed = certificate(&leaf.certificate_pem);
    assert_eq!(
        names(&parsed),
        ["DNS:cp1", "DNS:localhost", "IP:10.9.0.11", "IP:127.0.0.1", "IP:::1"],
        "in the given order, without repetitions"
    );
    let (critical, constraints) = extension::<pkix::BasicConstraints>(&parsed).unwrap();
    assert!(critical && !constraints.ca);
    let (critical, usage) = extension::<pkix::KeyUsage>(&parsed).unwrap();
    assert!(critical && usage.digital_signature() && usage.key_encipherment() && !usage.key_cert_sign());
    let issuer_identifier = extension::<pkix::AuthorityKeyIdentifier>(&parsed).unwrap().1.key_identifier;
    assert_eq!(issuer_identifier.unwrap(), ca_identifier.0);
    assert!(extension::<pkix::SubjectKeyIdentifier>(&parsed).unwrap().1 != ca_identifier);
    let serial = parsed.tbs_certificate().serial_number().as_bytes();
    assert_eq!((serial.len(), serial[0] >> 6), (16, 0b01));
    let key = p256::SecretKey::from_pem(leaf.key_pem.expose()).unwrap();
    let spki = parsed.tbs_certificate().subject_public_key_info().to_der().unwrap();
    assert_eq!(key.public_key(), p256::PublicKey::from_public_key_der(&spki).unwrap());

    // Printed last part first (RFC 4514).
    let client = certificate(&issue(&authority, &admin()).certificate_pem);
    assert_eq!(client.tbs_certificate().subject().to_string(), "CN=kubernetes-admin,O=kubeadm:cluster-admins");
    assert!(names(&client).is_empty());
}

/// The alternative names as `DNS:` and `IP:` texts.
fn names(certificate: &Certificate) -> Vec<String> {
    let Some((_, names)) = extension::<pkix::SubjectAltName>(certificate) else { return vec![] };
    let text = |name: &pkix::name::GeneralName| match name {
        pkix::name::GeneralName::DnsName(name) => format!("DNS:{name}"),
        pkix::name::GeneralName::IpAddress(octets) => match octets.as_bytes().len() {
            4 => format!("IP:{}", IpAddr::from(<[u8; 4]>::try_from(octets.as_bytes()).unwrap())),
            _ => format!("IP:{}", IpAddr::from(<[u8; 16]>::try_from(octets.as_bytes()).unwrap())),
        },
        other => panic!("{other:?}"),
    };
    names.0.iter().map(text).collect()
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let all = || {
        let authority = authority(AuthorityKind::Cluster);
        let leaf = issue(&authority, &etcd_server());
        let account = service_account(&secrets());
        let file = kubeconfig("prod", "https://10.9.0.10:6443", authority.certificate_pem(), "admin", &leaf).unwrap();
        [
            authority.certificate_pem().to_owned(),
            authority.key_pem().expose().clone(),
            leaf.certificate_pem,
            leaf.key_pem.expose().clone(),
            account.private_pem.expose().clone(),
            account.public_pem,
            file.expose().clone(),
        ]
    };
    assert_eq!(all(), all());
}

#[test]
fn serials_follow_the_content_and_keys_follow_the_label() {
    let authority_ = authority(AuthorityKind::Etcd);
    let serial = |pem: &str| certificate(pem).tbs_certificate().serial_number().clone();
    let reference = issue(&authority_, &etcd_server());

    let mut dns = etcd_server();
    dns.dns_names.push("etcd.example".to_owned());
    let mut address = etcd_server();
    address.ip_addresses.reverse();
    let common_name = LeafRequest { common_name: "cp2".to_owned(), ..etcd_server() };
    let organization = LeafRequest { organization: Some("o".to_owned()), ..etcd_server() };
    let usage = LeafRequest { usage: Usage::Server, ..etcd_server() };
    for changed in [dns, address, common_name, organization, usage] {
        let leaf = issue(&authority_, &changed);
        assert_ne!(serial(&leaf.certificate_pem), serial(&reference.certificate_pem), "{changed:?}");
        assert_eq!(leaf.key_pem.expose(), reference.key_pem.expose(), "{changed:?}");
    }

    let label = issue(&authority_, &LeafRequest { label: "etcd/peer/cp1".to_owned(), ..etcd_server() });
    assert_ne!(serial(&label.certificate_pem), serial(&reference.certificate_pem));
    assert_ne!(label.key_pem.expose(), reference.key_pem.expose());
    let issuer = issue(&authority(AuthorityKind::Cluster), &etcd_server());
    assert_ne!(serial(&issuer.certificate_pem), serial(&reference.certificate_pem));
    let later = Validity::new(issued_at() + Duration::from_secs(1), 10 * YEAR, YEAR).unwrap();
    let later = authority_.issue(&secrets(), &etcd_server(), &later).unwrap();
    assert_ne!(serial(&later.certificate_pem), serial(&reference.certificate_pem));

    // A repeated name is no other content.
    let mut repeated = etcd_server();
    repeated.dns_names.push("localhost".to_owned());
    assert_eq!(issue(&authority_, &repeated).certificate_pem, reference.certificate_pem);
}

#[test]
fn names_that_no_certificate_can_hold_are_errors() {
    for name in ["", "köln.example"] {
        let request = LeafRequest { dns_names: vec![name.to_owned()], ..admin() };
        let error = authority(AuthorityKind::Cluster).issue(&secrets(), &request, &validity()).unwrap_err();
        assert_eq!(error, PkiError::DnsName { name: name.to_owned() });
    }
}

const CA: (&str, &str) = (include_str!("pki/ca.crt"), include_str!("pki/ca.key"));
const LONG: (&str, &str) = (include_str!("pki/long.crt"), include_str!("pki/long.key"));
const REPEATED: (&str, &str) = (include_str!("pki/repeated.crt"), include_str!("pki/repeated.key"));

fn adopting((crt, key): (&str, &str)) -> Secrets {
    let authority = ImportedAuthority::parse(crt, key).unwrap();
    let service_account_key = Some(ImportedKey::parse(key).unwrap());
    secrets().with_import(Import { etcd_ca: Some(authority), service_account_key, ..Import::default() })
}

#[test]
fn imported_authorities_issue_under_their_own_name() {
    for (crt, key) in [CA, LONG] {
        let secrets = adopting((crt, key));
        let authority = Authority::new(&secrets, AuthorityKind::Etcd, &validity()).unwrap();
        assert_eq!(authority.certificate_pem(), crt);
        assert!(authority.key_pem().expose().starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
        let leaf = authority.issue(&secrets, &etcd_server(), &validity()).unwrap();
        verify(&leaf.certificate_pem, crt, KeyUsage::server_auth(), ISSUED_AT + 86_400).unwrap();

        // Go compares issuer and subject byte for byte.
        let (ca, leaf) = (certificate(crt), certificate(&leaf.certificate_pem));
        let subject = ca.tbs_certificate().subject().to_der().unwrap();
        assert_eq!(leaf.tbs_certificate().issuer().to_der().unwrap(), subject);
        let ca_identifier = extension::<pkix::SubjectKeyIdentifier>(&ca).map(|(_, identifier)| identifier.0);
        let issuer_identifier = extension::<pkix::AuthorityKeyIdentifier>(&leaf).and_then(|(_, id)| id.key_identifier);
        assert!(issuer_identifier.is_some());
        assert!(ca_identifier.is_none_or(|identifier| issuer_identifier == Some(identifier)));
    }
}

#[test]
fn subjects_that_cannot_be_repeated_are_errors() {
    let error = Authority::new(&adopting(REPEATED), AuthorityKind::Etcd, &validity()).unwrap_err();
    assert_eq!(error, PkiError::Subject { authority: "etcd-ca" });
}

#[test]
fn an_import_replaces_only_what_it_brings() {
    let secrets = adopting(CA);
    let cluster = Authority::new(&secrets, AuthorityKind::Cluster, &validity()).unwrap();
    assert_eq!(cluster.certificate_pem(), authority(AuthorityKind::Cluster).certificate_pem());
}

#[test]
fn service_account_keys_come_in_pairs() {
    for secrets in [secrets(), adopting(CA)] {
        let account = service_account(&secrets);
        assert!(account.private_pem.expose().starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
        let private = p256::SecretKey::from_pem(account.private_pem.expose()).unwrap();
        assert_eq!(private.public_key(), p256::PublicKey::from_public_key_pem(&account.public_pem).unwrap());
    }
    let imported = p256::SecretKey::from_pkcs8_pem(CA.1).unwrap();
    let account = service_account(&adopting(CA));
    assert_eq!(p256::PublicKey::from_public_key_pem(&account.public_pem).unwrap(), imported.public_key());
}

#[test]
fn the_discovery_hash_is_kubeadms() {
    // Made by openssl (make.sh).
    let authority = Authority::new(&adopting(CA), AuthorityKind::Etcd, &validity()).unwrap();
    assert_eq!(discovery_hash(&authority), format!("sha256:{}", include_str!("pki/ca.hash").trim_end()));
}

#[test]
fn kubeconfigs_hold_cluster_user_and_context() {
    let authority = authority(AuthorityKind::Cluster);
    let pair = issue(&authority, &admin());
    let text =
        kubeconfig("prod", "https://10.9.0.10:6443", authority.certificate_pem(), "kubernetes-admin", &pair).unwrap();
    let base64 = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
    let expected = format!(
        "apiVersion: v1
kind: Config
clusters:
- name: prod
  cluster:
    certificate-authority-data: {}
    server: https://10.9.0.10:6443
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {}
    client-key-data: {}
contexts:
- name: kubernetes-admin@prod
  context:
    cluster: prod
    user: kubernetes-admin
current-context: kubernetes-admin@prod
",
        base64(authority.certificate_pem()),
        base64(&pair.certificate_pem),
        base64(pair.key_pem.expose()),
    );
    assert_eq!(text.expose(), &expected);
}

#[test]
fn nothing_secret_is_shown() {
    let authority = authority(AuthorityKind::Cluster);
    let shown = format!("{authority:?} {:?} {:?}", issue(&authority, &admin()), service_account(&secrets()));
    assert!(shown.contains("Secret(redacted)") && !shown.contains("PRIVATE KEY"), "{shown}");
}

/// Bytes that must not change without notice: a change re-issues the certificates of every user.
#[test]
fn bytes_of_a_known_seed_never_change() {
    use sha2::{Digest, Sha256};
    let hash = |text: &str| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let authority = authority(AuthorityKind::Etcd);
    let leaf = issue(&authority, &etcd_server());
    assert_eq!(hash(authority.certificate_pem()), "6673ed7d15ea45e1c99b1914a5b6f3684b13ad4d4b48f93c34f6aec0675d1dcb");
    assert_eq!(hash(&leaf.certificate_pem), "d7ac985967892b986626d72690bc452377294a9936bc0fdf1687a88677e02f00");
}
