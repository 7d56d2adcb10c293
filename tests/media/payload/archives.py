"""Archives of images as programs write them: hagen reads each, and each containerd loads it under the names hagen says."""

import gzip
import shutil
import tempfile

from lab import Document, Machine, Registry, equal, fill, layout, must

import load
import programs
import store
from small_images import docker_archive


def made(folder, registry, machine):
    """An archive of every form; by the names of the images in it."""
    def name(form):
        return f"quay.io/forms/{form}:v1"

    def source(form, *more):
        return docker_archive(folder / f"source/{form}.tar", name(form), *more)

    target = folder / "archives"
    target.mkdir()
    made = {}

    def new(form, *names):
        made[target / f"{form}.tar"] = names or [name(form)]
        return target / f"{form}.tar"

    docker_archive(new("plain"), name("plain"))
    docker_archive(new("two-tags", name("two-tags"), "quay.io/forms/second:v1"), name("two-tags"), "quay.io/forms/second:v1")
    new("gzip").write_bytes(gzip.compress(source("gzip").read_bytes()))
    for kind in ("docker", "oci"):
        form = f"skopeo-{kind}"
        must("skopeo", "copy", "--quiet", f"docker-archive:{source(form)}", f"{kind}-archive:{new(form)}:{name(form)}")
    must("skopeo", "copy", "--quiet", "--all", layout(folder / "layout", "all"), f"oci-archive:{new('all')}:{name('all')}")

    # podman wants a short name for it.
    with tempfile.TemporaryDirectory(prefix="hagen-") as runroot:
        podman = ["podman", f"--root={folder / 'podman'}", f"--runroot={runroot}", "--storage-driver=vfs"]
        for form in ("podman-docker", "podman-oci", "podman-one", "podman-two"):
            must(*podman, "load", "--quiet", "--input", source(form))
        for kind in ("docker", "oci"):
            form = f"podman-{kind}"
            must(*podman, "save", "--quiet", f"--format={kind}-archive", f"--output={new(form)}", name(form))
        both = name("podman-one"), name("podman-two")
        must(*podman, "save", "--quiet", "--multi-image-archive", f"--output={new('podman-both', *both)}", *both)

    registry.push(f"docker-archive:{source('crane')}", name("crane"))
    pulled = f"{registry.HOST}/{name('crane')}"
    registry.must(programs.crane(), "pull", "--insecure", pulled, new("crane", pulled))

    media = machine.folder / "drive"
    for form in ("ctr", "ctr-digest"):
        shutil.copy(source(form), media)
        machine.must("ctr", "images", "import", f"/media/{form}.tar")
    machine.must("ctr", "images", "export", "/media/export.tar", name("ctr"))
    shutil.copy(media / "export.tar", new("ctr"))
    listed = machine.must("ctr", "images", "list").splitlines()
    digest = next(line.split()[2] for line in listed if line.startswith(name("ctr-digest")))
    by_digest = f"quay.io/forms/ctr-digest@{digest}"
    machine.must("ctr", "images", "tag", name("ctr-digest"), by_digest)
    machine.must("ctr", "images", "export", "/media/digest.tar", by_digest)
    shutil.copy(media / "digest.tar", new("ctr-digest", by_digest))
    docker_archive(new("digest", f"quay.io/forms/digest:v2@{digest}"), f"quay.io/forms/digest:{digest.replace(':', '-')}")
    docker_archive(new("short", "flannel/flannel:v1"), "flannel/flannel:v1")
    return made


def archives(folder):
    """Every form of archive is read by hagen and loaded by containerd 1.6, 1.7 and 2.x, by the same names."""
    tool = Machine(folder / "tool", store.real("debian") / "root")
    with Registry.running(folder / "registry") as registry, tool.running() as machine:
        machine.serve()
        made_here = made(folder, registry, machine)
    document = Document(folder / "document", *(name for names in made_here.values() for name in names))
    ours = {name: archived for name, archived in document.images().items()
            if not any(mark in name for mark in ("/forms/", "/flannel/"))}
    payload = fill(folder / "payload", ours)
    for archive in made_here:
        shutil.copy(archive, payload / "images")
    done = document.render(payload, "--tree")
    if done.returncode:
        yield from equal("render", done.returncode, 0, done.stdout)
        return
    expected = load.names(document)
    for release, parts in programs.containerds().items():
        machine = load.trixie(folder / release, document, parts)
        with machine.running() as machine:
            machine.serve()
            version = machine.must("containerd", "--version").split()[2]
            print(f"      {release}: containerd {version}, {len(made_here)} archives", flush=True)
            code, _, log = machine.step(load.STEP)
            yield from equal(release, code, 0, log)
            yield from (f"{release}: {line}" for line in load.loaded(machine, expected))
            for line in machine.must("ctr", "--namespace", "k8s.io", "images", "check").splitlines()[1:]:
                if " complete " not in line or not line.rstrip().endswith("true"):
                    yield f"{release}: {line}"


CHECKS = (archives,)
