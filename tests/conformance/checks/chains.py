"""openssl verifies every certificate strictly, for its purpose and its names, and finds its key."""

import hashlib
import ipaddress
import subprocess
from urllib.parse import urlsplit

from bench import JOIN, PKI
from certificates import AUTHORITY_OF, LEAVES, kubeconfig

PURPOSES = {"apiserver": {"sslserver"}, "etcd/server": {"sslserver", "sslclient"}, "etcd/peer": {"sslserver", "sslclient"}}


def check(bench):
    for rendering in bench.renderings():
        authorities = rendering.first.root / PKI
        for name in ("ca", "front-proxy-ca", "etcd/ca"):
            crt, key = authorities / f"{name}.crt", authorities / f"{name}.key"
            yield f"{rendering} {name}", [*verify(crt, crt), *fits(crt.read_bytes(), key.read_bytes())]
        for node in rendering.control_planes():
            for name in LEAVES:
                yield f"{node} {name}", leaf(node, authorities, name)
            yield f"{node} kube-vip.conf", client(bench, node.root / "etc/kubernetes/kube-vip.conf", [node])
            if node.holds_authorities():
                yield f"{node} sa.pub", service_account(node.root / PKI)
        for node in rendering.nodes:
            yield f"{node} pinned authorities", pinned(node, authorities)
            if (node.root / "etc/hagen/join.conf").exists():
                yield f"{node} join.conf", client(bench, node.root / "etc/hagen/join.conf", rendering.control_planes())
        yield f"{rendering} kubeconfig", client(bench, rendering.out / "kubeconfig", rendering.control_planes())


def openssl(*arguments, content=None):
    return subprocess.run(["openssl", *arguments], check=False, capture_output=True, input=content)


def verify(authority, certificate, *options):
    """No problem, or openssl's words."""
    process = openssl("verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", authority, *options, certificate)
    return [] if process.returncode == 0 else [f"{' '.join(options)}: {process.stderr.decode().strip()}"]


def called(name):
    """The option that looks for a name in a certificate."""
    name = name.replace("*", "any")
    try:
        return ("-verify_ip", str(ipaddress.ip_address(name)))
    except ValueError:
        return ("-verify_hostname", name)


def leaf(node, authorities, name):
    certificate, key = node.root / PKI / f"{name}.crt", node.root / PKI / f"{name}.key"
    authority = authorities / f"{AUTHORITY_OF.get(name, 'ca')}.crt"
    purposes = PURPOSES.get(name, {"sslclient"})
    names = []
    if name == "apiserver":
        names = node.api_names()
    elif "sslserver" in purposes:
        names = [node.name, node.address, "localhost", "127.0.0.1", "::1"]
    problems = fits(certificate.read_bytes(), key.read_bytes())
    for purpose in purposes:
        for wanted in [(), *map(called, names)]:
            problems += verify(authority, certificate, "-purpose", purpose, *wanted)
    # What must not hold.
    for purpose in {"sslserver", "sslclient"} - purposes:
        if not verify(authority, certificate, "-purpose", purpose):
            problems.append(f"good for {purpose} too")
    for stranger in ("-verify_hostname", "stranger.example"), ("-verify_ip", "192.0.2.1"):
        if not verify(authority, certificate, *stranger):
            problems.append(f"good for {stranger[1]} too")
    return problems


def fits(certificate, key):
    """Whether a key is the certificate's."""
    theirs = openssl("x509", "-noout", "-pubkey", content=certificate)
    ours = openssl("pkey", "-pubout", content=key)
    return [] if theirs.returncode == 0 and theirs.stdout == ours.stdout else ["the key is another one"]


def client(bench, path, servers):
    """A kubeconfig: its certificate, its key, and that the API servers bear the name that it calls."""
    config = kubeconfig(path)
    folder = bench.folder()
    authority, certificate = folder / "ca.crt", folder / "client.crt"
    authority.write_bytes(config.authority)
    certificate.write_bytes(config.certificate)
    problems = verify(authority, certificate, "-purpose", "sslclient") + fits(config.certificate, config.key)
    url = urlsplit(config.server)
    if (url.scheme, url.port) != ("https", servers[0].rendering.port()):
        problems.append(f"server {config.server}")
    for node in servers:
        problems += verify(authority, node.root / PKI / "apiserver.crt", "-purpose", "sslserver", *called(url.hostname))
    return problems


def service_account(pki):
    derived = openssl("pkey", "-pubout", "-in", pki / "sa.key")
    return [] if derived.returncode == 0 and derived.stdout == (pki / "sa.pub").read_bytes() else ["sa.pub is not sa.key's"]


def pinned(node, authorities):
    """The authorities that a machine knows from the start, by file and by hash."""
    problems = []
    for file, authority in ("ca.crt", "ca.crt"), ("etcd-ca.crt", "etcd/ca.crt"):
        path = node.root / "etc/hagen/pki" / file
        if path.exists() and path.read_bytes() != (authorities / authority).read_bytes():
            problems.append(f"/etc/hagen/pki/{file} is another authority")
    discovery = node.documents(JOIN)[0]["discovery"]
    by_token = node.part == "control-plane" and not node.embeds or node.part == "worker" and node.by_token
    if by_token != ("bootstrapToken" in discovery):
        problems.append(f"joins with {', '.join(discovery)}")
    if "bootstrapToken" in discovery:
        public = openssl("x509", "-noout", "-pubkey", "-in", authorities / "ca.crt").stdout
        der = openssl("pkey", "-pubin", "-outform", "der", content=public).stdout
        expected = [f"sha256:{hashlib.sha256(der).hexdigest()}"]
        if discovery["bootstrapToken"]["caCertHashes"] != expected:
            problems.append(f"caCertHashes {discovery['bootstrapToken']['caCertHashes']} instead of {expected}")
    return problems
