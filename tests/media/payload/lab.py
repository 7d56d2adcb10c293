"""What the checks share: hagen, small images, a registry, and machines with a containerd."""

import contextlib
import functools
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import programs
import store
from small_images import config, digest, docker_archive, layer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
DOCUMENT = """\
name: homelab
kubernetes: {version: 1.36.3}
endpoint: {vip: 10.9.0.10}
software:
  images: payload
  extraImages: [EXTRA]
nodes:
  - {name: cp1, role: control-plane, address: 10.9.0.11/24}
  - {name: cp2, role: control-plane, address: 10.9.0.12/24}
  - {name: cp3, role: control-plane, address: 10.9.0.13/24}
  - {name: w1, role: worker, address: 10.9.0.21/24}
"""


@functools.cache
def hagen():
    """What the variable HAGEN names, or a build."""
    if os.environ.get("HAGEN"):
        return Path(os.environ["HAGEN"]).resolve()
    store.run("cargo", "build", "--locked", cwd=ROOT)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug/hagen"


def call(*command, **options):
    """A command's exit code and what it said on both channels."""
    command = [str(word) for word in command]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL} | options
    return subprocess.run(command, text=True, errors="replace", check=False, timeout=300, **options)


def must(*command, **options):
    """What a command said that must succeed."""
    done = call(*command, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stdout[-3000:]}"
    return done.stdout


def equal(what, found, expected, said=""):
    """What is wrong, as lines; then what a program `said`."""
    return [] if found == expected else [f"{what}: {found!r}, not {expected!r}", *said.splitlines()]


class Document:
    """A document in a folder of its own, and what hagen makes of it."""

    def __init__(self, folder, *extra, text=DOCUMENT):
        self.folder, self.out = folder, folder / "out"
        folder.mkdir(parents=True, exist_ok=True)
        quoted = ", ".join(json.dumps(name) for name in extra)
        (folder / "cluster.yaml").write_text(text.replace("EXTRA", quoted), encoding="utf-8")

    def images(self):
        """Name in the archive by name, of all machines."""
        said = json.loads(must(hagen(), "images", "--json", "cluster.yaml", cwd=self.folder, stderr=None))
        return {image["name"]: image["archivedAs"] for node in said["nodes"] for image in node["images"]}

    def script(self):
        path = self.folder / "mirror.sh"
        path.write_text(must(hagen(), "images", "--script", "cluster.yaml", cwd=self.folder, stderr=None), encoding="utf-8")
        path.chmod(0o755)
        return path

    def render(self, payload, *arguments):
        """`hagen render --payload`, with what it says."""
        return call(hagen(), "render", "cluster.yaml", "-o", self.out, "--payload", payload, *arguments, cwd=self.folder)


def later():
    """The commands of docs/air-gap.md for machines that run already."""
    text = (ROOT / "docs/air-gap.md").read_text(encoding="utf-8").split("\n## Later\n")[1]
    return re.findall(r"^```bash\n(.*?)^```$", text, re.M | re.S)


def fill(folder, images):
    """An archive of each image, by some name of its own."""
    for number, archived in enumerate(sorted(set(images.values()))):
        docker_archive(folder / f"images/{number}.tar", archived)
    return folder


def layout(folder, name, architectures=("amd64", "arm64")):
    """A folder with an OCI layout: an index of several processors, as `tag`."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(content, kind, **more):
        (blobs / digest(content)).write_bytes(content)
        media = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media, "digest": f"sha256:{digest(content)}", "size": len(content)} | more

    manifests = []
    for architecture in architectures:
        own = layer(f"{name} {architecture}")
        manifest = {
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": blob(config([own], architecture), "config.v1+json"), "layers": [blob(own, "layer.v1.tar")],
        }
        platform = {"architecture": architecture, "os": "linux"}
        manifests.append(blob(json.dumps(manifest).encode(), "manifest.v1+json", platform=platform))
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}
    named = blob(json.dumps(index).encode(), "index.v1+json", annotations={"org.opencontainers.image.ref.name": "tag"})
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}), encoding="utf-8")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")
    return f"oci:{folder}:tag"


@contextlib.contextmanager
def process(*command, **options):
    """A process beside this one; the programs in its namespaces go with it."""
    with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, **options) as child:
        try:
            yield child
        finally:
            child.kill()


def until(what, condition, *children):
    """Wait for what other processes bring about; only their end says that it will not come."""
    while not condition():
        for child in children:
            assert child.poll() is None, f"{what}: the process ended with {child.returncode}"
        time.sleep(0.05)


class Registry:
    """A registry on the loopback of a network of its own, which stands for all registries."""

    HOST = "127.0.0.1:5000"

    def __init__(self, folder, pid):
        self.folder, self.network = folder, ["nsenter", f"--target={pid}", "--net"]
        # skopeo of Debian 12 does not look at CONTAINERS_REGISTRIES_CONF.
        registries = folder / ".config/containers/registries.conf"
        registries.parent.mkdir(parents=True)
        hosts = ("docker.io", "ghcr.io", "quay.io", "registry.k8s.io")
        registries.write_text("".join(
            f'[[registry]]\nprefix = "{host}"\nlocation = "{self.HOST}/{host}"\ninsecure = true\n' for host in hosts
        ) + f'[[registry]]\nlocation = "{self.HOST}"\ninsecure = true\n', encoding="utf-8")
        self.environment = os.environ | {"HOME": str(folder)}

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder):
        program = programs.registry()
        folder.mkdir()
        (folder / "config.yml").write_text(json.dumps({
            "version": 0.1, "log": {"level": "error"}, "http": {"addr": cls.HOST},
            "storage": {"filesystem": {"rootdirectory": str(folder / "content")}, "delete": {"enabled": True}},
        }), encoding="utf-8")
        script = f"ip link set lo up; exec {program} serve {folder / 'config.yml'}"
        command = ["unshare", "--net", "sh", "-c", script]
        with open(folder / "log", "wb") as log, process(*command, stdout=log, stderr=log) as child:
            registry = cls(folder, child.pid)

            def answers():
                """In a network of its own by now, and there."""
                if os.path.samefile(f"/proc/{child.pid}/ns/net", "/proc/self/ns/net"):
                    return False
                return call(*registry.network, "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5000").returncode == 0

            until("the registry", answers, child)
            yield registry

    def call(self, *command, **options):
        return call(*self.network, *command, env=self.environment | options.pop("env", {}), **options)

    def must(self, *command, **options):
        return must(*self.network, *command, env=self.environment, **options)

    def push(self, source, name):
        """Take an image in; return its digest."""
        options = ["--all"] if source.startswith("oci:") else []
        self.must("skopeo", "copy", "--quiet", "--dest-tls-verify=false", *options, source, f"docker://{self.HOST}/{name}")
        return digest(self.must("skopeo", "inspect", "--raw", f"docker://{name}").encode())


def fields(message):
    """Number and value of each field of a protobuf message that has integers and bytes only."""
    at = 0

    def varint():
        nonlocal at
        value, shift = 0, 0
        while True:
            at, byte = at + 1, message[at]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        number, kind = divmod(varint(), 8)
        assert kind in (0, 2), f"a field of kind {kind}"
        value = varint()
        if kind == 2:
            at, value = at + value, message[at:at + value]
        yield number, value


class Machine:
    """A Debian with containerd, its root an overlay over `base`, in namespaces of its own; a disk may be in its drive."""

    def __init__(self, folder, base, containerd=()):
        self.folder, self.base, self.containerd = folder, base, containerd
        self.boots, self.pid = 0, None
        for name in ("upper", "work", "root", "drive", "containerd"):
            (folder / name).mkdir(parents=True)
        self.place("usr/local/sbin/mount", (HERE / "mount.sh").read_text(encoding="utf-8"))
        self.place("usr/local/sbin/blkid", (HERE / "blkid.sh").read_text(encoding="utf-8"))
        for part in containerd:
            must("cp", "--archive", f"{part}/.", folder / "upper")

    def place(self, path, text):
        file = self.folder / "upper" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)

    def install(self, document, node="cp1"):
        """The files of a node's bundle."""
        must("cp", "--archive", f"{document.out}/nodes/{node}/rootfs/.", self.folder / "upper")

    def insert(self, image=None):
        """A disk into the drive, or none."""
        for old in (self.folder / "drive").iterdir():
            must("rm", "-rf", old)
        if image:
            content = self.folder / "drive/payload.iso.content"
            content.mkdir()
            must("cp", image, self.folder / "drive/payload.iso")
            must("bsdtar", "-xf", image, "-C", content)

    @contextlib.contextmanager
    def running(self, size="", network=False):
        """From power on to power off, which takes all processes at once; `network` is this machine's."""
        self.boots += 1
        (self.folder / "boot_id").write_text(f"{self.boots}\n", encoding="utf-8")
        spaces = ["--mount", "--pid", "--ipc", "--uts", *([] if network else ["--net"]), "--fork", "--kill-child"]
        ready = self.folder / "upper/ready"
        ready.unlink(missing_ok=True)
        enter = ["unshare", *spaces, "sh", HERE / "machine.sh", self.base, self.folder, size]
        with open(self.folder / "log", "wb") as log, process(*enter, stderr=log) as child:
            until("the machine", ready.exists, child)
            self.pid = int(Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text(encoding="utf-8"))
            try:
                yield self
            finally:
                # The end of the first process is the end of all.
                os.kill(self.pid, signal.SIGKILL)
                child.wait()

    def call(self, *command):
        spaces = [f"--target={self.pid}", "--mount", "--pid", "--net", "--ipc", "--uts", "--root", "--wd"]
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        # Whatever is killed there, this process is not of its group.
        return call("nsenter", *spaces, "env", "-i", path, "LC_ALL=C.UTF-8", *command, start_new_session=True)

    def must(self, *command):
        done = self.call(*command)
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout[-3000:]}"
        return done.stdout

    def serve(self):
        """Start containerd and wait for it."""
        self.must("sh", "-c", "containerd --log-level warn >/run/containerd.log 2>&1 & echo $! >/run/containerd.pid")
        alive = 'until ctr version >/dev/null 2>&1; do kill -0 "$(cat /run/containerd.pid)" || exit 1; sleep 0.1; done'
        done = self.call("sh", "-c", alive)
        assert done.returncode == 0, self.must("cat", "/run/containerd.log")

    def step(self, name):
        """Run a step; its exit code, and the sentence that it ended with."""
        done = self.call("env", f"STEP={name[3:]}", f"/var/lib/hagen/bin/steps/{name}")
        said = [line for line in done.stdout.splitlines() if line.startswith("hagen: ")]
        return done.returncode, said[-1].split(": ", 4)[-1] if said else done.stdout, done.stdout

    def names(self):
        """containerd's images, with the labels of each."""
        lines = self.must("ctr", "--namespace", "k8s.io", "images", "list").splitlines()[1:]
        return {line.split()[0]: line.split()[-1] for line in lines}

    def pinned(self):
        """The names of the images that CRI calls pinned, by a call of ListImages: Debian has no crictl."""
        socket = f"/proc/{self.pid}/root/run/containerd/containerd.sock"
        command = ["curl", "--silent", "--http2-prior-knowledge", "--unix-socket", socket, "--data-binary", "@-",
                   "--header", "content-type: application/grpc", "--header", "te: trailers",
                   "http://containerd/runtime.v1.ImageService/ListImages"]
        # A frame of gRPC: five bytes before the message.
        answer = subprocess.run(command, input=bytes(5), stdout=subprocess.PIPE, check=True).stdout
        images = [list(fields(image)) for number, image in fields(answer[5:]) if number == 1]
        # `repo_tags`, `repo_digests`, `pinned`.
        return {value.decode() for image in images if (8, 1) in image for number, value in image if number in (2, 3)}

    def holes(self):
        """Blobs of containerd whose bytes are not what their names say."""
        blobs = self.folder / "containerd/io.containerd.content.v1.content/blobs/sha256"
        return [blob.name for blob in sorted(blobs.glob("*")) if digest(blob.read_bytes()) != blob.name]
