//! A P-256 key in the shape that rcgen wants.
//! In: a signing key. Out: its public encodings, computed once, and deterministic signatures.

use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use rcgen::{PublicKeyData, SignatureAlgorithm};
use sha2::{Digest, Sha256};

use crate::secrets::{Secret, pem};

/// A key that certifies, or is certified.
pub(super) struct Key {
    signing: SigningKey,
    /// The uncompressed point, 65 bytes.
    point: Vec<u8>,
}

impl Key {
    pub(super) fn new(signing: SigningKey) -> Self {
        let point = signing.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        Self { signing, point }
    }

    /// PEM as kubeadm writes it: SEC1.
    pub(super) fn private_pem(&self) -> Secret<String> {
        pem::encode_private_key(&self.signing)
    }

    /// SubjectPublicKeyInfo, DER.
    pub(super) fn spki_der(&self) -> Vec<u8> {
        self.subject_public_key_info()
    }

    /// The key's identifier: the first 160 bits of SHA-256 over SubjectPublicKeyInfo, as rcgen's default.
    /// Identifiers only have to differ; Go and OpenSSL compare them and never compute them again.
    pub(super) fn identifier(&self) -> Vec<u8> {
        Sha256::digest(self.spki_der())[..20].to_vec()
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key {
    /// RFC 6979: p256 takes the nonce from key and message.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: Signature = self.signing.try_sign(message).map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature.to_der().as_bytes().to_vec())
    }
}

/// The same key, leaving certificates unsigned.
pub(super) struct Unsigned<'key>(pub(super) &'key Key);

impl PublicKeyData for Unsigned<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl rcgen::SigningKey for Unsigned<'_> {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6979 A.2.5, P-256 with SHA-256, message "sample", through the signer that signs certificates.
    #[test]
    fn signatures_follow_rfc_6979() {
        let scalar = from_hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
        let key = Key::new(SigningKey::from_slice(&scalar).unwrap());
        let signature = Signature::from_der(&rcgen::SigningKey::sign(&key, b"sample").unwrap()).unwrap();
        let expected = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716\
                        F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";
        assert_eq!(signature.to_bytes().to_vec(), from_hex(expected));
    }

    fn from_hex(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }
}
