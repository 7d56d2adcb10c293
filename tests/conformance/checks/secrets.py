"""Each secret is on the machines that need it, and in no other byte that hagen writes."""

import base64
import os
import re
import stat
import subprocess

import yaml

import ignition
from bench import JOIN, PKI, SEED
from certificates import LEAVES, kubeconfig, private_key

AUTHORITIES = {"ca", "front-proxy-ca", "etcd/ca", "sa"}
WORDS = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")
LINES = re.compile(rb"[A-Za-z0-9+/]{24,}(?:\s+[A-Za-z0-9+/]+)+={0,2}")


def check(bench):
    for rendering in bench.renderings():
        known = secrets(rendering)
        for node in rendering.nodes:
            yield f"{node} holds what it needs", holds(node, known)
        yield f"{rendering} other files", others(rendering, known)
        yield f"{rendering} modes", modes(rendering, known)
        yield f"{rendering} what hagen says", says(rendering, known)
    yield from broken(bench)
    yield "umask 000", open_umask(bench)


def secrets(rendering):
    """Name to bytes: of a private key the number itself, which every encoding of it contains."""
    def key(path):
        return scalar(path.read_bytes())

    first = rendering.first
    known = {"seed": SEED, "admin": scalar(kubeconfig(rendering.out / "kubeconfig").key)}
    for name in AUTHORITIES:
        known[name] = key(first.root / PKI / f"{name}.key")
    for node in rendering.nodes:
        if node.part != "worker":
            known |= {f"{name} of {node.name}": key(node.root / PKI / f"{name}.key") for name in LEAVES}
            known[f"kube-vip of {node.name}"] = scalar(kubeconfig(node.root / "etc/kubernetes/kube-vip.conf").key)
        if (node.root / "etc/hagen/join.conf").exists():
            known[f"join of {node.name}"] = scalar(kubeconfig(node.root / "etc/hagen/join.conf").key)
    # The part before the dot is public.
    init = first.documents("etc/hagen/kubeadm-init.yaml")[0]
    known["token"] = init["bootstrapTokens"][0]["token"].split(".")[1].encode()
    if "certificateKey" in init:
        known["certificate key"] = bytes.fromhex(init["certificateKey"])
    return known


def scalar(pem):
    return private_key(pem).private_numbers().private_value.to_bytes(32, "big")


def needs(node):
    """Section 2.7 of the design, machine by machine."""
    rendering = node.rendering
    uploads = any(other.part == "control-plane" and not other.embeds for other in rendering.nodes)
    if node.part == "worker":
        return {"token"} if node.by_token else {f"join of {node.name}"}
    needed = {f"{name} of {node.name}" for name in [*LEAVES, "kube-vip"]}
    if node.holds_authorities():
        needed |= {*AUTHORITIES, f"join of {node.name}"}
    if uploads:
        # For the control planes that are still missing.
        needed |= {"token", "certificate key"}
    if node.by_token or node.part == "init":
        # kubeadm init always makes one.
        needed.add("token")
    return needed


def holds(node, known):
    held = found(contents(node.folder), known)
    needed = needs(node)
    problems = [f"holds {name}" for name in sorted(held - needed)] + [f"lacks {name}" for name in sorted(needed - held)]
    key = node.documents(JOIN)[0].get("controlPlane", {}).get("certificateKey")
    if (key is not None) != (node.part == "control-plane" and not node.embeds):
        problems.append("the certificate key is not where control planes download")
    return problems


def contents(folder):
    """Every file's bytes, and of user-data and config.ign what they would write."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            yield data
            if path.name == "user-data":
                for entry in yaml.safe_load(data)["write_files"]:
                    yield entry["content"].encode()
            elif path.name == "config.ign":
                yield from ignition.files(path).values()


def found(texts, known):
    """Names of the secrets in texts: raw, as digits, as base64 at each of its three alignments, however broken into
    lines, and in what base64 wraps, three layers deep."""
    forms = {form: name for name, secret in known.items() for form in encodings(secret)}
    names, layer, seen = set(), set(texts), set()
    for _ in range(4):
        layer -= seen
        seen |= layer
        for data in layer:
            squeezed = re.sub(rb"\s+", b"", data)
            names |= {name for form, name in forms.items() if form in data or form in squeezed}
        layer = {inner for data in layer for inner in unwrapped(data)}
    return names


def encodings(secret):
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # The first and last letters share bits with what stands around.
            yield encode(bytes(shift) + secret)[3 if shift else 0:-4]


def unwrapped(data):
    """What base64 in a text says: words, and lines that follow each other, from wherever it starts in them."""
    blocks = re.findall(rb"-----BEGIN [^-]+-----([^-]+)-----END", data)
    for text in [*WORDS.findall(data), *LINES.findall(data), *blocks]:
        letters = re.sub(rb"\s+", b"", text).rstrip(b"=")
        for start in range(4):
            # A single letter left over says nothing.
            part = letters[start:len(letters) - ((len(letters) - start) % 4 == 1)]
            yield base64.b64decode(part + b"=" * (-len(part) % 4))


def others(rendering, known):
    """Besides the machines' folders there is the administrator's kubeconfig, and a manifest without secrets."""
    problems = []
    for path in rendering.out.iterdir():
        if path.is_file():
            allowed = {"admin"} if path.name == "kubeconfig" else set()
            problems += [f"{path.name} holds {name}" for name in sorted(found([path.read_bytes()], known) - allowed)]
    return problems


def modes(rendering, known):
    """Files with a secret are 0600; folders on this side of a root file system, and /etc/hagen, 0700."""
    problems = []
    for path in [rendering.out, *rendering.out.rglob("*")]:
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        inside = "rootfs" in path.relative_to(rendering.out).parts
        if path.is_dir():
            if mode != 0o700 and (not inside or path.match("rootfs/etc/hagen")):
                problems.append(f"{path.relative_to(rendering.out)} is {mode:04o}")
        elif mode != 0o600 and (not inside or found([path.read_bytes()], known)):
            problems.append(f"{path.relative_to(rendering.out)} is {mode:04o}")
    return problems


def says(rendering, known):
    out = rendering.bench.folder() / "out"
    said = b""
    for options in ([], ["--json"], ["--tree", "--json"]):
        process = rendering.render(*options, "--out", out)
        said += process.stdout.encode() + process.stderr.encode()
    return [] if b'"hagen"' in said and not found([said], known) else [f"says {sorted(found([said], known))}"]


def broken(bench):
    """Secrets files that cannot be used: whatever is said of them, it is not what is in them."""
    adopted = next(rendering for rendering in bench.renderings() if rendering.name == "adopted")
    text = adopted.secrets.read_text(encoding="utf-8")
    seed = base64.b64encode(SEED).decode()
    lines = [line for line in text.split("\\n") if len(line) > 40]
    cases = {
        "seed cut": text.replace(seed, seed[:-8]),
        "seed with a strange letter": text.replace(seed, f"{seed[:20]}!{seed[21:]}"),
        "seed as a key": text.replace('"seed": ', '"seed": {').replace(f'"{seed}"', f'"{seed}": 1}}'),
        "seed as a list": text.replace(f'"{seed}"', f'["{seed}"]'),
        "seed as an unknown key": text.replace('"version"', f'"{seed}": 1, "version"'),
        "seed as version": text.replace('"version": 1', f'"version": "{seed}"'),
        "seed as issuedAt": re.sub('"issuedAt": "[^"]*"', f'"issuedAt": "{seed}"', text),
        "seed twice": text.replace('"version"', f'"seed": "{seed}", "version"'),
        "seed alone": seed,
        "bracket missing": text.rstrip().rstrip("}"),
        "quote missing": text.replace(f'"{seed}"', f'"{seed}'),
        "tab before the seed": f"version: 1\n\tseed: {seed}\n",
        "newer version": text.replace('"version": 1', '"version": 2'),
        "key cut": text.replace("-----END EC", "-----END"),
        "key in the place of a certificate": text.replace("BEGIN CERTIFICATE", "BEGIN EC PRIVATE KEY"),
        "keys exchanged": text.replace("serviceAccountKey", "serviceAccountKeys"),
        "a line of a key lost": text.replace(lines[1], ""),
    }
    known = secrets(adopted)
    # Base64 as it stands in the file, whole or in part.
    words = re.findall(r"[A-Za-z0-9+/]{40,}", text)
    pieces = {word[start:start + 16] for word in words for start in range(0, len(word) - 15, 8)}
    for name, content in cases.items():
        secret = bench.folder() / "broken.secrets.yaml"
        secret.write_text(content, encoding="utf-8")
        yield f"secrets file, {name}", silent(bench, adopted, ["--secrets", secret], None, known, pieces)
        yield f"secrets from standard input, {name}", silent(bench, adopted, ["--secrets", "-"], content, known, pieces)


def silent(bench, rendering, options, content, known, pieces):
    command = [bench.hagen, "render", rendering.path, "--json", "--out", bench.folder() / "out", *options]
    process = subprocess.run(command, check=False, capture_output=True, text=True, input=content)
    said = process.stdout + process.stderr
    problems = [f"says {piece}" for piece in sorted(pieces) if piece in said]
    problems += [f"says {name}" for name in sorted(found([said.encode()], known))]
    if process.returncode != 1 or "error" not in said:
        problems.append(f"ended with {process.returncode}: {said}")
    return problems


def open_umask(bench):
    """The first render makes the secrets file, for its owner alone whatever the umask."""
    source = next(bench.renderings())
    folder = bench.folder()
    document = folder / "new.yaml"
    document.write_bytes(source.path.read_bytes())
    command = [bench.hagen, "render", document, "--out", folder / "out"]
    subprocess.run(command, check=True, capture_output=True, preexec_fn=lambda: os.umask(0))
    wanted = {"new.secrets.yaml": 0o600, "out": 0o700, "out/kubeconfig": 0o600, "out/nodes": 0o700}
    wanted |= {f"out/nodes/{node.name}/user-data": 0o600 for node in source.nodes}
    found_modes = {path: stat.S_IMODE((folder / path).stat().st_mode) for path in wanted}
    return [f"{path} is {mode:04o}" for path, mode in found_modes.items() if mode != wanted[path]]
