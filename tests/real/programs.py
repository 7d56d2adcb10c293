"""Programs that are used without being installed, for their services would start on this machine."""

import functools
import os

import store

CRANE = "github.com/google/go-containerregistry/cmd/crane@v0.20.3"
MATCHBOX = "v0.11.0"


def unpacked(name, *packages):
    """A folder with Debian packages of this machine's release, not installed: their services would start here."""
    def make(folder):
        apt = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root"]
        store.run(*apt, "update")
        store.run(*apt, "download", *packages, cwd=folder)
        for package in folder.glob("*.deb"):
            store.run("dpkg", "-x", package, folder)
            package.unlink()

    return store.entry(name, [__file__], packages, make)


def registry():
    return unpacked("docker-registry", "docker-registry") / "usr/bin/docker-registry"


def nginx():
    return unpacked("nginx", "nginx") / "usr/sbin/nginx"


def matchbox():
    """Poseidon's, built."""
    def make(folder):
        with store.scratch(folder) as module:
            (module / "go.mod").write_text(
                f"module tools\ngo 1.26\nrequire github.com/poseidon/matchbox {MATCHBOX}\n", encoding="utf-8")
            store.go_build(module, ["github.com/poseidon/matchbox/cmd/matchbox"], folder)

    return store.entry("matchbox", [], [MATCHBOX, store.go()], make) / "matchbox"


@functools.cache
def crane():
    """Google's, built."""
    def make(folder):
        with store.scratch(folder) as scratch:
            environment = os.environ | {"GOFLAGS": "-mod=mod", "GOBIN": str(folder), "CGO_ENABLED": "0"}
            store.run("go", "install", CRANE, cwd=scratch, env=environment, preexec_fn=lambda: os.nice(19))

    return store.entry("crane", [], [CRANE, store.go()], make) / "crane"


@functools.cache
def containerds():
    """By release of Debian: what is laid over trixie's root to have its containerd."""
    def sid(folder):
        for package in store.real("debian").glob("sid/*.deb"):
            store.run("dpkg", "-x", package, folder)

    return {
        "bookworm": [unpacked("containerd-bookworm", "containerd", "libseccomp2", "runc")],
        "trixie": [],
        "sid": [store.entry("containerd-sid", [__file__], [store.real("debian").name], sid)],
    }
