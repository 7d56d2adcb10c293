"""The store of real programs: `<repository>/target/real/<name>-<key>`.

An entry's key is a hash of everything that decides its content: the scripts
that make it and the versions asked for. Change a script and the entry is made
anew; change nothing and it is there at once. Entries are made beside their
final name and renamed, so one that exists is whole.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent / "target" / "real"


def key(sources, *versions):
    """Hash the files and folders `sources` together with `versions`."""
    digest = hashlib.sha256()
    for source in [Path(__file__), *map(Path, sources)]:
        files = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.is_file())
        for file in files:
            digest.update(f"{file.relative_to(source.parent)}\0".encode())
            digest.update(file.read_bytes())
    for version in versions:
        digest.update(f"\0{version}".encode())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def lock(entry):
    """Only one process makes an entry; the others wait and then find it."""
    ROOT.mkdir(parents=True, exist_ok=True)
    with open(ROOT / f".{entry.name}.lock", "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def scratch(entry):
    """A folder on the store's file system, gone afterwards unless renamed."""
    path = Path(tempfile.mkdtemp(prefix=f".{entry.name}.", dir=ROOT))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def timed(path):
    """Say how long an entry took."""
    started = time.monotonic()
    yield
    say(f"{path.name}: {time.monotonic() - started:.0f} s")


def entry(name, sources, versions, make):
    """Return the folder `name`, made by `make(folder)` if it is not there."""
    path = ROOT / f"{name}-{key(sources, *versions)}"
    with lock(path):
        if not path.is_dir():
            with scratch(path) as folder, timed(path):
                make(folder)
                folder.rename(path)
    return path


def go():
    """The version of Go, which is part of what it builds."""
    return subprocess.run(["go", "env", "GOVERSION"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def go_build(module, packages, output, variables=()):
    """Build static binaries of `packages` inside `module` into `output`, with `-X` for `variables`.

    What the linker strips (-s -w) the compiler need not write: without DWARF it is done a tenth sooner. It collects its
    garbage less often than usual, for memory is there; clusters that run beside it come first.
    """
    flags = "-mod=mod -buildvcs=false -trimpath -gcflags=all=-dwarf=false"
    command = ["go", "build", "-ldflags", " ".join(["-s", "-w", *variables]), "-o", f"{output}/", *packages]
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": flags, "GOGC": "400"}
    run(*command, cwd=module, env=environment, preexec_fn=lambda: os.nice(19))


def need(*packages):
    """Install the Debian packages that this machine lacks."""
    def installed(package):
        query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
        return subprocess.run(query, capture_output=True, text=True, check=False).stdout == "installed"

    missing = [package for package in packages if not installed(package)]
    if missing:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update", "-qq", env=environment)
        run("apt-get", "install", "-qq", "--no-install-recommends", *missing, env=environment)


def run(*command, **options):
    """Run a command; its output goes to stderr, stdout is for the answer."""
    subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr, **options)


def real(script, *arguments):
    """Call a sibling script of this folder and return the path it prints."""
    command = [str(HERE / script), *arguments]
    return Path(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def short(kind, error, trace):
    """A command that failed has said why itself; the trace of this program adds nothing."""
    if issubclass(kind, subprocess.CalledProcessError):
        say(f"{Path(sys.argv[0]).name}: {error.cmd[0]} ended with {error.returncode}")
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = short


def say(text):
    print(text, file=sys.stderr, flush=True)
