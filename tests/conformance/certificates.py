"""Certificates and kubeconfigs as Python values."""

import base64
import dataclasses

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtensionOID

# Debian 12 has OpenSSL 3 and reads the same with all of it.
AUTHORITY_OF = {
    "apiserver-etcd-client": "etcd/ca", "etcd/server": "etcd/ca", "etcd/peer": "etcd/ca",
    "etcd/healthcheck-client": "etcd/ca", "front-proxy-client": "front-proxy-ca",
}
LEAVES = ["apiserver", "apiserver-kubelet-client", *AUTHORITY_OF]


@dataclasses.dataclass
class Kubeconfig:
    """The one cluster, user and context of a kubeconfig."""

    cluster: str
    user: str
    context: str
    server: str
    authority: bytes
    certificate: bytes
    key: bytes


def kubeconfig(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    (cluster,), (user,), (context,) = content["clusters"], content["users"], content["contexts"]
    assert content["current-context"] == context["name"], path
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}, path
    return Kubeconfig(
        cluster["name"], user["name"], context["name"], cluster["cluster"]["server"],
        base64.b64decode(cluster["cluster"]["certificate-authority-data"], validate=True),
        base64.b64decode(user["user"]["client-certificate-data"], validate=True),
        base64.b64decode(user["user"]["client-key-data"], validate=True))


def profile(pem):
    """All that a certificate says, except keys, serial number, dates and the signature's bytes."""
    certificate = x509.load_pem_x509_certificate(pem)
    key = certificate.public_key()
    fields = {
        "version": certificate.version.name,
        "subject": name(certificate.subject),
        "issuer": name(certificate.issuer),
        "key": f"{type(key).__name__.strip('_')} {getattr(getattr(key, 'curve', None), 'name', '')} {key.key_size}",
        "signature": certificate.signature_algorithm_oid.dotted_string,
    }
    is_authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    for extension in certificate.extensions:
        # Go gives an identifier to authorities alone; RFC 5280 wants one in leaves too, and nothing reads it there.
        if extension.oid == ExtensionOID.SUBJECT_KEY_IDENTIFIER and not is_authority:
            continue
        # pylint: disable-next=protected-access
        fields[extension.oid._name] = f"{'critical ' if extension.critical else ''}{value(extension)}"
    return fields


def name(subject):
    return [(attribute.oid.dotted_string, attribute.value) for attribute in subject]


def value(extension):
    if extension.oid == ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
        return sorted(f"{type(entry).__name__} {entry.value}" for entry in extension.value)
    if extension.oid == ExtensionOID.AUTHORITY_KEY_IDENTIFIER:
        return "by key" if extension.value.key_identifier and not extension.value.authority_cert_issuer else extension.value
    if extension.oid == ExtensionOID.SUBJECT_KEY_IDENTIFIER:
        return f"{len(extension.value.digest)} bytes"
    if extension.oid == ExtensionOID.EXTENDED_KEY_USAGE:
        return sorted(usage.dotted_string for usage in extension.value)
    return extension.value


def differences(theirs, ours):
    """Fields in which two profiles differ."""
    return [
        f"{field}: kubeadm {theirs.get(field)}, hagen {ours.get(field)}"
        for field in sorted(theirs.keys() | ours.keys())
        if theirs.get(field) != ours.get(field)
    ]


def private_key(pem):
    return serialization.load_pem_private_key(pem, None)
