//! Pins the derivation (its values were computed by Python's `cryptography` as well), the file's text, and
//! every way in which a file can be refused.

use super::*;

/// A file whose seed is the bytes 0 to 31.
const FILE: &str = "\
# Secrets of a cluster, made by hagen. Keep this file, and do not commit it in the clear: all keys grow from it.
version: 1
seed: \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"
issuedAt: \"2026-11-21T09:14:00Z\"
";

const CA: (&str, &str) = (include_str!("../../tests/pki/ca.crt"), include_str!("../../tests/pki/ca.key"));
const LONG: (&str, &str) = (include_str!("../../tests/pki/long.crt"), include_str!("../../tests/pki/long.key"));
const NO_CA: &str = include_str!("../../tests/pki/no-ca.crt");
const NO_SIGN: &str = include_str!("../../tests/pki/no-sign.crt");
const LEAF_KEY: &str = include_str!("../../tests/pki/leaf.key");

fn secrets() -> Secrets {
    Secrets::parse(FILE).unwrap()
}

fn refused(text: &str) -> SecretsError {
    let error = Secrets::parse(text).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("AAECAwQF"), "{error} shows the seed");
    error
}

fn hex(bytes: &[u8]) -> String {
    hexadecimal(bytes)
}

#[test]
fn hkdf_follows_rfc_5869_case_a1() {
    let salt: Vec<u8> = (0x00..=0x0c).collect();
    let info: Vec<u8> = (0xf0..=0xf9).collect();
    let mut okm = [0; 42];
    Hkdf::<Sha256>::new(Some(&salt), &[0x0b; 22]).expand(&info, &mut okm).unwrap();
    assert_eq!(hex(&okm), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

#[test]
fn values_of_a_known_seed_never_change() {
    let secrets = secrets();
    assert_eq!(hex(secrets.derive("x").expose()), "7ab637a488bf4b69080f6b48ca6b5607bce5c8b7373d3dbae863902d321405a2");
    assert_eq!(secrets.bootstrap_token().expose(), "c7tr60.k9uv2vecxovghipd");
    assert_eq!(secrets.certificate_key().expose(), "23165500d0dbedda41045dacc9b64ce9b039f87ada94d7c1028ba02fd8dee598");
    let scalar = |label| hex(&secrets.signing_key(label).to_bytes());
    assert_eq!(scalar("service-account"), "7416552c7bf8873e86aef3da285fea91d37d15dc77ea8382cc2703e881629c51");
    assert_eq!(scalar("authority/kubernetes"), "5c5e45c037793225d410c6ab0d1403954db7b16a682201d3d35cf475ad2383a1");
    assert_eq!(scalar("leaf/etcd/server/cp1"), "b1c1b1046e63373ef1ba5f4b2cc0725fdc991e91713b54f7e171e925873c1cee");
}

#[test]
fn labels_and_seeds_are_independent() {
    let secrets = secrets();
    let other = Secrets::new([1; 32], secrets.issued_at());
    let mut seen = std::collections::BTreeSet::new();
    for label in ["a", "b", "a/0", "a/1", "", "serial", "certificate-key"] {
        assert!(seen.insert(*secrets.derive(label).expose()), "{label}");
        assert!(seen.insert(*other.derive(label).expose()), "{label}");
        assert!(seen.insert(secrets.signing_key(label).to_bytes().into()), "{label}");
    }
}

#[test]
fn tokens_have_kubeadms_form_and_use_every_character() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..=255 {
        let token = Secrets::new([seed; 32], OffsetDateTime::UNIX_EPOCH).bootstrap_token();
        let (id, secret) = token.expose().split_once('.').unwrap();
        assert_eq!((id.len(), secret.len()), (6, 16));
        seen.extend(id.chars().chain(secret.chars()));
    }
    assert_eq!(seen, ('a'..='z').chain('0'..='9').collect());
}

#[test]
fn a_file_is_written_as_it_was_read() {
    assert_eq!(secrets().to_yaml().expose(), FILE);
    let authority = |(certificate, key)| Some(ImportedAuthority::parse(certificate, key).unwrap());
    let full = secrets().with_import(Import {
        ca: authority(CA),
        front_proxy_ca: authority(LONG),
        etcd_ca: authority((&format!("{}{}", LONG.0, CA.0), LONG.1)),
        service_account_key: Some(ImportedKey::parse(LEAF_KEY).unwrap()),
    });
    let text = full.to_yaml();
    let again = Secrets::parse(text.expose()).unwrap();
    assert_eq!(again.to_yaml().expose(), text.expose());
    assert_eq!(again.import().ca.as_ref().unwrap().certificate_pem(), CA.0);
    assert_eq!(again.import().etcd_ca.as_ref().unwrap().certificate_pem(), format!("{}{}", LONG.0, CA.0));
    let key = again.import().service_account_key.as_ref().unwrap();
    assert_eq!(pem::encode_private_key(key.signing_key()).expose(), LEAF_KEY);
}

#[test]
fn times_are_kept_in_utc_and_whole_seconds() {
    let local = OffsetDateTime::parse("2026-11-21T11:14:00.75+02:00", &Rfc3339).unwrap();
    assert_eq!(Secrets::new(*secrets().seed.expose(), local).to_yaml().expose(), FILE);
    assert_eq!(secrets().with_issued_at(local).to_yaml().expose(), FILE);
}

#[test]
fn nothing_secret_is_shown() {
    let mut secrets = secrets();
    secrets.import.ca = Some(ImportedAuthority::parse(CA.0, CA.1).unwrap());
    secrets.import.service_account_key = Some(ImportedKey::parse(LEAF_KEY).unwrap());
    let shown = format!("{secrets:?}");
    assert!(shown.contains("seed: Secret(redacted)"));
    assert!(shown.contains("ImportedKey(redacted)"));
    assert!(!shown.contains("[0, 1, 2, 3"));
}

#[test]
fn files_that_cannot_be_used_say_why_and_where() {
    let cases = [
        (
            "version: 1",
            "version: 2",
            "line 2, column 10: secrets file version 2 is newer than version 1, which this hagen reads: use a newer hagen",
        ),
        (
            "version: 1",
            "novel: 1\nversion: 7",
            "line 3, column 10: secrets file version 7 is newer than version 1, which this hagen reads: use a newer hagen",
        ),
        (
            "version: 1",
            "version: 0",
            "line 2, column 10: secrets file version 0 is older than version 1, the only one that this hagen reads",
        ),
        ("version: 1", "version: one", "line 2, column 10: a value of another kind is wanted here"),
        ("version: 1\n", "", "line 3, column 1: the key `version` is missing"),
        (
            "issuedAt:",
            "isuedAt:",
            "line 4, column 1: unknown key `isuedAt`; known here are version, seed, issuedAt, import",
        ),
        (
            "issuedAt:",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8: 1\nissuedAt:",
            "line 4, column 1: unknown key; known here are version, seed, issuedAt, import",
        ),
        ("issuedAt:", "version: 1\nissuedAt:", "line 4, column 1: a key is given twice"),
        ("Hh8=", "Hh8", "line 3, column 7: `seed` is not standard base64 with padding"),
        ("AAEC", "AA_C", "line 3, column 7: `seed` is not standard base64 with padding"),
        ("AAECAwQF", "AwQF", "line 3, column 7: `seed` holds 29 bytes, but must hold exactly 32"),
        ("seed: ", "seed: [", "line 4, column 9: the secrets file is not a YAML mapping that can be read"),
        ("seed: \"", "seed: null #\"", "line 3, column 7: a value of another kind is wanted here"),
        ("seed: \"", "seed: {a: 1} #", "line 3, column 7: a value of another kind is wanted here"),
        (
            ":00Z",
            ":00+00:00",
            "line 4, column 11: `issuedAt` is not a UTC time in whole seconds from 1970 on, such as 2026-11-21T09:14:00Z",
        ),
        (
            ":00Z",
            ":00.5Z",
            "line 4, column 11: `issuedAt` is not a UTC time in whole seconds from 1970 on, such as 2026-11-21T09:14:00Z",
        ),
        (
            "2026-11-21",
            "2026-02-30",
            "line 4, column 11: `issuedAt` is not a UTC time in whole seconds from 1970 on, such as 2026-11-21T09:14:00Z",
        ),
        (
            "2026-11-21",
            "0000-01-01",
            "line 4, column 11: `issuedAt` is not a UTC time in whole seconds from 1970 on, such as 2026-11-21T09:14:00Z",
        ),
        (FILE, "just text", "line 1, column 1: a value of another kind is wanted here"),
        (FILE, "", "line 1, column 1: the secrets file is not a YAML mapping that can be read"),
    ];
    for (from, to, expected) in cases {
        assert!(FILE.contains(from), "{from}");
        let error = refused(&FILE.replacen(from, to, 1)).to_string();
        assert_eq!(error, expected, "{from:?} -> {to:?}");
    }
}

#[test]
fn keys_of_other_kinds_are_named() {
    let unsupported = |text: &str| match ImportedKey::parse(text) {
        Err(Problem::UnsupportedKey { found }) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(unsupported(include_str!("../../tests/pki/rsa-pkcs1.key")), "RSA");
    assert_eq!(unsupported(include_str!("../../tests/pki/rsa-pkcs8.key")), "RSA");
    assert_eq!(unsupported(include_str!("../../tests/pki/p384-sec1.key")), "elliptic-curve (other than P-256)");
    assert_eq!(unsupported(include_str!("../../tests/pki/p384-pkcs8.key")), "elliptic-curve (other than P-256)");
    assert_eq!(unsupported(include_str!("../../tests/pki/ed25519.key")), "neither RSA nor elliptic-curve");
    assert_eq!(unsupported(include_str!("../../tests/pki/encrypted.key")), "encrypted");
    for text in ["", "hello", CA.0, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert!(matches!(ImportedKey::parse(text), Err(Problem::Unreadable { .. })), "{text}");
    }
}

#[test]
fn pem_is_read_as_people_paste_it() {
    let pasted = format!("Certificate:\r\n  Data: x\r\n\r\n{}trailing", CA.0.replace('\n', "\r\n"));
    let key = format!("\n\n{}\n\n", CA.1);
    assert_eq!(ImportedAuthority::parse(&pasted, &key).unwrap().certificate_pem(), CA.0);
}

#[test]
fn authorities_must_be_able_to_sign() {
    let parse = |certificate, key| ImportedAuthority::parse(certificate, key).unwrap_err();
    assert_eq!(parse(CA.0, LONG.1), Problem::KeyMismatch);
    assert_eq!(parse(NO_CA, LEAF_KEY), Problem::NotAnAuthority);
    assert_eq!(parse(NO_SIGN, LEAF_KEY), Problem::NotAnAuthority);
    assert_eq!(parse(CA.1, CA.1), Problem::Unreadable { expected: "a certificate in PEM" });
    assert_eq!(parse("", CA.1), Problem::Unreadable { expected: "a certificate in PEM" });
}

#[test]
fn imported_material_is_refused_where_it_stands() {
    let indented = |pem: &str| pem.replace('\n', "\n      ");
    let file = |certificate: &str, key: &str| {
        let (certificate, key) = (indented(certificate), indented(key));
        format!("{FILE}import:\n  ca:\n    certificate: |\n      {certificate}\n    key: |\n      {key}\n")
    };
    assert!(Secrets::parse(&file(CA.0, CA.1)).is_ok());
    let line = |error: &SecretsError| error.position().unwrap().line;
    let error = refused(&file(CA.0, LONG.1));
    assert_eq!((error.problem(), line(&error)), (&Problem::KeyMismatch, 8));
    let error = refused(&file(CA.0, include_str!("../../tests/pki/rsa-pkcs8.key")));
    assert_eq!(error.problem(), &Problem::UnsupportedKey { found: "RSA" });
    assert_eq!(line(&error), 10 + u64::try_from(CA.0.lines().count()).unwrap());
    let error = refused(&format!("{FILE}import:\n  caa: 1\n"));
    assert_eq!(
        error.to_string(),
        "line 6, column 3: unknown key `caa`; known here are ca, frontProxyCa, etcdCa, serviceAccountKey"
    );
    let error = refused(&format!("{FILE}import:\n  ca: {{key: x}}\n"));
    assert_eq!(error.problem(), &Problem::MissingKey { key: "certificate" });
}
