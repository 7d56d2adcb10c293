"""`hagen render --payload` with a folder in which much is wrong, and with a large one."""

import gzip
import hashlib
import json
import os
import re
import tarfile

from lab import Document, equal, fill, hagen, must
from mirror import VARIANTS
from small_images import config, digest, docker_archive, layer, noise

MIB = 1 << 20
# What hagen may have in memory, whatever the payload has.
MEMORY = 64 * MIB


def flip(path, content):
    """One bit of the file's, where `content` is in it."""
    found = bytearray(path.read_bytes())
    found[found.index(content)] ^= 1
    path.write_bytes(found)


def tree(folder):
    return {f"{path}": digest(path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()}


def said(output):
    """The errors, as code and message."""
    return sorted(re.findall(r"^error\[(HAGEN\d+)\]: (.*)$", output, re.M))


def stanzas(document, payload, **processors):
    """The packages that a document wants, put into the payload, as its list has them; few say for which processor."""
    listed = must(hagen(), "images", "--json", "cluster.yaml", cwd=document.folder, stderr=None)
    (payload / "packages").mkdir()
    for name in json.loads(listed)["nodes"][0]["packages"]:
        name, _, version = name.partition("=")
        # The file that apt-get makes of a version with an epoch.
        version = version.replace("*", "1.1") or "1:2"
        file = f"{name}_{version.replace(':', '%3a')}_amd64.deb"
        (payload / "packages" / file).write_bytes(name.encode())
        own = f"Architecture: {processors[name]}\n" if name in processors else ""
        yield (f"Package: {name}\nVersion: {version}\n{own}Filename: ./{file}\nSize: {len(name)}\n"
               f"SHA256: {digest(name.encode())}\n")


def processors(folder):
    """A folder for two kinds of processor is refused: the disk would have what half of the machines cannot run."""
    document = Document(folder / "document")
    images = document.images()
    payload = fill(folder / "payload", images)
    for number, archived in enumerate(sorted(set(images.values()))):
        docker_archive(payload / f"images/arm-{number}.tar", archived, architecture="arm64")
    done = document.render(payload)
    yield from equal("images", (done.returncode, said(done.stdout)), (
        1, [("HAGEN148", f"{payload} holds the images for each of amd64, arm64")]))
    # All of it in one run.
    (payload / "images/0.tar").rename(payload / "0.tar")
    (payload / "images/arm-0.tar").rename(payload / "arm-0.tar")
    yield from equal("and one missing", sorted(code for code, _ in said(document.render(payload).stdout)), [
        "HAGEN116", "HAGEN148"])
    (payload / "0.tar").rename(payload / "images/0.tar")
    (payload / "arm-0.tar").rename(payload / "images/arm-0.tar")
    # One image for more than the others.
    for path in payload.glob("images/arm-*.tar"):
        if path.name != "arm-0.tar":
            path.unlink()
    done = document.render(payload)
    yield from equal("one image for both", done.returncode, 0, done.stdout)

    document = Document(folder / "packages", text=VARIANTS["packages"])
    listed = "\n".join(stanzas(document, payload, kubeadm="amd64", kubelet="arm64"))
    (payload / "packages/Packages").write_text(listed, encoding="utf-8")
    done = document.render(payload)
    message = "packages/Packages lists kubelet_1.36.3-1.1_amd64.deb for arm64, and others are for amd64"
    yield from equal("packages", (done.returncode, said(done.stdout)), (1, [("HAGEN148", message)]), done.stdout)


def broken(folder):
    """Everything that is wrong is said in one run, and nothing is written."""
    wrong = ["short", "long", "layer", "config", "arm64", "missing", "blank", "gzip"]
    document = Document(folder / "document", *(f"quay.io/wrong/{name}:v1" for name in wrong))
    images = document.images()
    payload = fill(folder / "payload", {name: archived for name, archived in images.items() if "/wrong/" not in name})
    done = document.render(payload)
    yield from equal("lacking", (done.returncode, said(done.stdout)), (1, sorted(
        ("HAGEN116", f"no archive below {payload}/images holds quay.io/wrong/{name}:v1") for name in wrong)))
    yield from equal("written", tree(document.out), {})

    paths = {name: payload / f"images/{'a blank' if name == 'blank' else name}.tar" for name in wrong}
    for name, path in paths.items():
        docker_archive(path, f"quay.io/wrong/{name}:v1", architecture="arm64" if name == "arm64" else "amd64")
    done = document.render(payload, "--quiet")
    # Without what is wrong in a way that `broken` cannot undo: a name, and a processor.
    first = re.search(r"and (\S+) for amd64", done.stdout)
    other = f"images/arm64.tar: quay.io/wrong/arm64:v1 is for arm64, and {first and first[1]} for amd64"
    processor = ("HAGEN117", other)
    blank = ("HAGEN117", "`images/a blank.tar` cannot be on the disk")
    yield from equal("two", (done.returncode, said(done.stdout)), (1, sorted([blank, processor])))

    os.truncate(paths["short"], 10000)
    os.truncate(paths["long"], paths["long"].stat().st_size - 30000)
    flip(paths["layer"], noise("quay.io/wrong/layer:v1")[:64])
    flip(paths["config"], b"amd64")
    paths["missing"].unlink()
    paths["gzip"].write_bytes(gzip.compress(paths["gzip"].read_bytes())[:-20])
    own = layer("quay.io/wrong/layer:v1")
    name = f"{digest(config([layer('common'), layer('quay.io/wrong/config:v1')]))}.json"
    done = document.render(payload)
    expected = [
        blank, processor,
        ("HAGEN116", f"no archive below {payload}/images holds quay.io/wrong/missing:v1"),
        ("HAGEN117", f"{paths['short']}: it cannot be read as a tar file: unexpected end of file"),
        ("HAGEN117", f"{paths['layer']}: {digest(own)}.tar of quay.io/wrong/layer:v1 is damaged"),
        ("HAGEN117", f"{paths['config']}: {name} of quay.io/wrong/config:v1 is damaged"),
    ]
    found = said(done.stdout)
    yield from equal("all", (done.returncode, [one for one in expected if one not in found]), (1, []), done.stdout)
    for kind in ("long", "gzip"):
        codes = [code for code, text in found if text.startswith(f"{paths[kind]}: ")]
        yield from equal(kind, codes, ["HAGEN117"], done.stdout)
    yield from equal("the end", done.stdout.splitlines()[-1], "nothing was written")

    for name in wrong:
        docker_archive(payload / f"images/{name}.tar", f"quay.io/wrong/{name}:v1")
    paths["blank"].unlink()
    done = document.render(payload)
    yield from equal("mended", done.returncode, 0, done.stdout)
    before = tree(document.out)
    paths["layer"].unlink()
    yield from equal("unchanged", (document.render(payload).returncode, tree(document.out)), (1, before))


def strangers(folder):
    """What nobody needs does not matter until an image is missing; two images by one name do. Names that are near are said."""
    document = Document(folder / "document", "quay.io/a/one:v1")
    images = document.images()
    payload = fill(folder / "payload", images)
    (payload / "images/README.md").write_text("All of it.\n", encoding="utf-8")
    (payload / "images/other.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd and so on")
    docker_archive(payload / "images/same.tar", "quay.io/a/one:v1")
    done = document.render(payload)
    yield from equal("strangers", done.returncode, 0, done.stdout)

    docker_archive(payload / "images/same.tar", "quay.io/a/one:v1", content="other")
    done = document.render(payload)
    (first,) = [path for path in payload.glob("images/*.tar") if b"quay.io/a/one:v1" in path.read_bytes()
                and path.name != "same.tar"]
    message = f"images/{first.name} and images/same.tar hold different images called quay.io/a/one:v1 for amd64"
    yield from equal("two by one name", (done.returncode, said(done.stdout)), (1, [("HAGEN117", message)]), done.stdout)

    first.unlink()
    docker_archive(payload / "images/same.tar", "localhost/one:v2")
    done = document.render(payload)
    expected = [("HAGEN116", f"no archive below {payload}/images holds quay.io/a/one:v1, but localhost/one:v2"),
                ("HAGEN117", f"{payload}/images/other.tar.zst: it is compressed with zstd")]
    found = said(done.stdout)
    yield from equal("missing", [one for one in expected if one not in found], [], done.stdout)
    readme = [code for code, text in found if "README.md: it cannot be read" in text]
    yield from equal("no archive", readme, ["HAGEN117"])


def debs(folder):
    """Packages that are missing, others, or not listed."""
    document = Document(folder / "document", text=VARIANTS["packages"])
    payload = fill(folder / "payload", document.images())
    done = document.render(payload)
    none = ("HAGEN116", f"{payload} has no packages/Packages")
    yield from equal("none", (done.returncode, said(done.stdout)), (1, [none]))
    whole = list(stanzas(document, payload))
    listing = payload / "packages/Packages"
    listing.write_text("\n".join(whole), encoding="utf-8")
    done = document.render(payload)
    yield from equal("whole", done.returncode, 0, done.stdout)
    listed = must("isoinfo", "-R", "-f", "-i", document.out / "payload.iso").splitlines()
    yield from equal("with an epoch", "/packages/curl_1%3a2_amd64.deb" in listed, True, "\n".join(listed))

    (payload / "packages/curl_1%3a2_amd64.deb").unlink()
    (payload / "packages/socat_1%3a2_amd64.deb").write_bytes(b"other")
    others = [stanza.replace("1.36.3", "1.36.2") for stanza in whole if "kubelet" not in stanza]
    listing.write_text("\n".join(others), encoding="utf-8")
    yield from equal("wrong", said(document.render(payload).stdout), sorted([
        ("HAGEN116", f"{listing} lists no kubelet=1.36.3-*"), ("HAGEN116", f"{listing} lists no kubeadm=1.36.3-*"),
        ("HAGEN116", f"{listing} lists no kubectl=1.36.3-*"),
        ("HAGEN116", f"{listing} lists packages/curl_1%3a2_amd64.deb, which is not there"),
        ("HAGEN117", f"{payload}/packages/socat_1%3a2_amd64.deb is not the file that Packages lists"),
        ("HAGEN116", f"{listing} lists packages/kubeadm_1.36.2-1.1_amd64.deb, which is not there"),
        ("HAGEN116", f"{listing} lists packages/kubectl_1.36.2-1.1_amd64.deb, which is not there"),
    ]))


def large(folder):
    """A GiB of payload takes little memory, and gives the same bytes twice."""
    document = Document(folder / "document", "quay.io/very/large:v1")
    images = document.images()
    payload = fill(folder / "payload", {name: archived for name, archived in images.items() if "/very/" not in name})
    archive, size = payload / "images/large.tar", 1024 * MIB
    zeros = hashlib.sha256()
    for _ in range(size // MIB):
        zeros.update(bytes(MIB))
    own = json.loads(config([]))
    own["rootfs"]["diff_ids"] = [f"sha256:{zeros.hexdigest()}"]
    named = {"Config": "config.json", "RepoTags": ["quay.io/very/large:v1"], "Layers": ["layer.tar"]}
    manifest = json.dumps([named]).encode()
    with open(archive, "wb") as out:
        files = {"config.json": json.dumps(own).encode(), "manifest.json": manifest, "layer.tar": None}
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = size if content is None else len(content)
            out.write(info.tobuf())
            if content is not None:
                out.write(content + bytes(-len(content) % 512))
        out.truncate(out.tell() + size + 1024)
    seen = set()
    for number in range(2):
        peak = folder / f"peak-{number}"
        must("time", "--format=%M", f"--output={peak}", hagen(), "render", "cluster.yaml", "-o", document.out,
             "--payload", payload, cwd=document.folder)
        memory = int(peak.read_text(encoding="utf-8")) * 1024
        image = document.out / "payload.iso"
        print(f"      {image.stat().st_size} bytes written with {memory / MIB:.1f} MiB of memory", flush=True)
        if memory > MEMORY:
            yield f"more than {MEMORY / MIB:.0f} MiB"
        with open(image, "rb") as content:
            seen.add(hashlib.file_digest(content, "sha256").hexdigest())
        if not number:
            yield from labelled(image, payload)
            image.unlink()
    yield from equal("the same bytes", len(seen), 1)
    written = json.loads((document.out / "manifest.json").read_text(encoding="utf-8"))
    yield from equal("manifest.json", next(iter(seen)) in json.dumps(written), True)


def labelled(image, payload):
    """What blkid and isoinfo say of a disk."""
    found = must("blkid", "-p", "-o", "value", "-s", "LABEL", "-s", "TYPE", image).split()
    yield from equal("blkid", found, ["hagen-payload", "iso9660"])
    listed = must("isoinfo", "-R", "-f", "-i", image).splitlines()
    files = [f"/{path.relative_to(payload)}" for path in payload.rglob("*.tar")]
    yield from equal("isoinfo", sorted(listed), sorted(["/SHA256SUMS", "/images", "/images.tsv", *files]))


CHECKS = (processors, broken, strangers, debs, large)
