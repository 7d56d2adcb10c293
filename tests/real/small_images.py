"""Archives of images that hold nothing, for whoever looks at no more than their names and digests."""

import hashlib
import io
import json
import random
import subprocess
import tarfile


def digest(content):
    return hashlib.sha256(content).hexdigest()


def noise(name, size=20000):
    """Bytes that are always the same."""
    return random.Random(name).randbytes(size)


def add(archive, name, content):
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    archive.addfile(info, io.BytesIO(content))


def layer(name, size=20000):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        add(archive, "content", noise(name, size))
    return out.getvalue()


def config(layers, architecture="amd64"):
    return json.dumps({
        "architecture": architecture, "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(content)}" for content in layers]},
    }).encode()


def docker_archive(path, *names, architecture="amd64", size=20000, content=None):
    """An image of two layers, one of them its own (of `content`, or else of its first name), as `docker save` writes it."""
    layers = [layer("common"), layer(content or names[0], size)]
    own = config(layers, architecture)
    files = {f"{digest(content)}.tar": content for content in layers} | {f"{digest(own)}.json": own}
    manifest = [{"Config": f"{digest(own)}.json", "RepoTags": names, "Layers": list(files)[:2]}]
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in (files | {"manifest.json": json.dumps(manifest).encode()}).items():
            add(archive, name, content)
    return path


def payload(hagen, folder, content=None):
    """A folder for `hagen render --payload`: every image of `folder`'s cluster.yaml, in one archive."""
    command = [hagen, "images", "--json", "cluster.yaml"]
    said = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout
    names = {image["archivedAs"] for node in json.loads(said)["nodes"] for image in node["images"]}
    docker_archive(folder / "payload/images/all.tar", *sorted(names), content=content)
    return folder / "payload"
