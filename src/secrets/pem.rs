//! PEM, the armour around keys and certificates.
//! In: DER bytes or a P-256 key. Out: text with lines of 64 columns that end in LF on every platform.
//!
//! rcgen's own writer is not used: it ends lines in CRLF on Windows, and writes keys as PKCS#8, which
//! client-go's `PublicKeysFromFile` cannot read for EC keys. kubeadm itself writes SEC1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::SigningKey;

use super::Secret;

/// Columns of a line of base64 (RFC 7468 section 2).
const COLUMNS: usize = 64;

/// What stands before the 32 bytes of the private scalar in a P-256 `ECPrivateKey` (RFC 5915):
/// SEQUENCE of 119 bytes, version 1, OCTET STRING of 32 bytes.
const SEC1_BEFORE_SCALAR: [u8; 7] = [0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20];

/// What stands between scalar and public point: `[0]` curve prime256v1, `[1]` BIT STRING of 65 bytes.
const SEC1_BEFORE_POINT: [u8; 17] =
    [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42, 0x00];

/// One PEM block of public content.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let mut text = String::with_capacity(text_length(label, der));
    write(&mut text, label, der);
    text
}

/// A private key as `EC PRIVATE KEY`, the form kubeadm writes.
///
/// Written by hand because p256's `to_sec1_der` computes the public point again, which costs as much as a
/// signature; a test compares the two.
pub(crate) fn encode_private_key(key: &SigningKey) -> Secret<String> {
    let label = "EC PRIVATE KEY";
    let scalar = Secret::new(<[u8; 32]>::from(key.to_bytes()));
    let point = key.verifying_key().to_sec1_point(false);
    let der = Secret::new([&SEC1_BEFORE_SCALAR[..], scalar.expose(), &SEC1_BEFORE_POINT, point.as_bytes()].concat());
    // Sized beforehand: a string that grows leaves copies of itself behind in memory.
    let mut text = String::with_capacity(text_length(label, der.expose()));
    write(&mut text, label, der.expose());
    Secret::new(text)
}

fn write(text: &mut String, label: &str, der: &[u8]) {
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    for line in der.chunks(COLUMNS / 4 * 3) {
        STANDARD.encode_string(line, text);
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
}

/// An upper bound of the length of the text.
const fn text_length(label: &str, der: &[u8]) -> usize {
    let base64 = der.len().div_ceil(3) * 4;
    base64 + base64 / COLUMNS + 1 + 2 * (label.len() + "-----BEGIN -----\n".len())
}

#[cfg(test)]
mod tests {
    use p256::SecretKey;

    use super::*;

    #[test]
    fn private_keys_are_what_p256_writes() {
        let key = SecretKey::from_slice(&[7; 32]).unwrap();
        let expected = key.to_sec1_pem(p256::pkcs8::LineEnding::LF).unwrap();
        assert_eq!(encode_private_key(&SigningKey::from(key)).expose(), expected.as_str());
    }

    #[test]
    fn lines_have_64_columns_and_end_in_lf() {
        for length in [0, 1, 47, 48, 49, 96, 97, 500] {
            let text = encode("X", &vec![0xff; length]);
            assert!(text.len() <= text_length("X", &vec![0; length]));
            assert!(!text.contains('\r') && text.ends_with("-----END X-----\n"));
            let lines: Vec<_> = text.lines().collect();
            let body = &lines[1..lines.len() - 1];
            assert!(body.iter().rev().skip(1).all(|line| line.len() == 64));
            assert!(body.last().is_none_or(|line| (1..=64).contains(&line.len())));
        }
    }
}
