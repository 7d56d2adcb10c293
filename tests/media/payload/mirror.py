"""The script of `hagen images --script`, in front of a real registry."""

import os
import re
import shutil

from lab import DOCUMENT, Document, Registry, call, equal, layout, must
from small_images import docker_archive

SOFTWARE = "software: {source: payload, extraPackages: [nfs-common]}"
VARIANTS = {
    "images": DOCUMENT,
    "packages": re.sub(r"software:\n(  .*\n)+", f"os: debian\n{SOFTWARE}\n", DOCUMENT),
    "extensions": re.sub(r"software:\n(  .*\n)+", "os: flatcar\nsoftware: {source: payload}\n", DOCUMENT),
    "all": re.sub(r"software:\n(  .*\n)+", f"os: flatcar\n{SOFTWARE}\n", DOCUMENT).replace("21/24}", "21/24, os: ubuntu}"),
}
# Interrupted once it has half of an archive: what a killed run leaves.
INTERRUPTED = """\
#!/bin/bash
/usr/bin/skopeo "$@" || exit
[[ $* == *etcd* ]] || exit 0
archive=${@: -1} archive=${archive#docker-archive:} archive=${archive%%:*}
truncate --size=10000 "$archive"
kill -KILL $PPID
"""


def mirror(folder):
    """The script fills a folder that render accepts: again, interrupted, and with an image that is nowhere."""
    with Registry.running(folder / "registry") as registry:
        multi = layout(folder / "layout", "quay.io/multi/arch:v1")
        wanted = registry.push(multi, "quay.io/multi/arch:v1")
        by_digest = registry.push(f"docker-archive:{docker_archive(folder / 'one.tar', 'quay.io/by/digest:v1')}",
                                  "quay.io/by/digest:v1")
        names = ["alpine:3.20", "quay.io/multi/arch:v1", f"quay.io/by/digest@sha256:{by_digest}",
                 f"quay.io/multi/arch:v2@sha256:{wanted}", "quay.io/a_b/c:1", "quay.io/a/b_c:1"]
        document = Document(folder / "document", *names)
        images = document.images()
        for name in images.keys() - {name for name in images if "@" in name} - {"quay.io/multi/arch:v1"}:
            registry.push(f"docker-archive:{docker_archive(folder / 'one.tar', name)}", name)
            (folder / "one.tar").unlink()
        script, payload = document.script(), folder / "a folder"

        interrupted = folder / "bin/skopeo"
        interrupted.parent.mkdir()
        interrupted.write_text(INTERRUPTED, encoding="utf-8")
        interrupted.chmod(0o755)
        done = registry.call(script, payload, env={"PATH": f"{interrupted.parent}:{os.environ['PATH']}"})
        torn = [path.name for path in payload.glob("images/.*.tar")]
        yield from equal("killed", (done.returncode, len(torn), (payload / "images" / torn[0][1:]).exists()), (-9, 1, False))
        before = {path.name: path.stat().st_mtime_ns for path in payload.glob("images/[!.]*")}
        done = registry.call(script, payload)
        yield from equal("repeated", done.returncode, 0, done.stdout)
        yield from equal("fetched", done.stdout.count("fetching "), len(images) - len(before))
        yield from equal("the last line", done.stdout.splitlines()[-1], f"all is there: {payload}")
        after = {path.name: path.stat().st_mtime_ns for path in payload.glob("images/*")}
        yield from equal("not fetched again", {name: after.get(name) for name in before}, before)
        yield from equal("archives", len([name for name in after if not name.startswith(".")]), len(images))
        yield from equal("hidden", [name for name in after if name.startswith(".")], [])
        done = registry.call(script, payload)
        yield from equal("once more", (done.returncode, done.stdout), (0, f"all is there: {payload}\n"))

        done = document.render(payload)
        yield from equal("render", done.returncode, 0, done.stdout)
        listed = must("bsdtar", "-xOf", document.out / "payload.iso", "images.tsv")
        rows = [line.split("\t") for line in listed.splitlines()]
        yield from equal("images.tsv", {row[0]: row[1] for row in rows}, images)
        yield from equal("an archive for each", len({row[2] for row in rows}), len(images))

        # The same images, for another processor: only one has both.
        done = registry.call(script, folder / "arm64", env={"ARCH": "arm64"})
        yield from equal("arm64", done.returncode, 0, done.stdout)
        shutil.copy(folder / "arm64/images/quay.io+multi+arch+v1_arm64.tar",
                    payload / "images/quay.io+multi+arch+v1_amd64.tar")
        done = document.render(payload)
        said = "quay.io/multi/arch:v1 is for arm64, and "
        yield from equal("another processor's", (done.returncode, said in done.stdout), (1, True), done.stdout)

        lacking = Document(folder / "lacking", "quay.io/no/such:v1")
        done = registry.call(lacking.script(), folder / "third")
        last = done.stdout.splitlines()[-1]
        yield from equal("lacking", (done.returncode, last), (1, "mirror.sh: skopeo could not fetch quay.io/no/such:v1"))


def variants(folder):
    """shellcheck finds nothing in any variant of the script."""
    for name, text in VARIANTS.items():
        document = Document(folder / name, "quay.io/a/b:v1", text=text)
        script = document.script()
        done = must("shellcheck", "--enable=all", "--exclude=SC2250,SC2310,SC2311,SC2312", script)
        yield from equal(name, done, "")
        has = {what: f"\n{what} " in script.read_text(encoding="utf-8") for what in ("packages", "extension")}
        meant = {"packages": name in ("packages", "all"), "extension": name in ("extensions", "all")}
        yield from equal(name, has, meant)
        if meant["extension"]:
            done = call(script, folder / "payload", env=os.environ | {"ARCH": "arm64"})
            yield from equal(f"{name} of arm64", (done.returncode, done.stdout), (
                1, "mirror.sh: Flatcar's system extension is for amd64 alone, and ARCH is arm64\n"))


CHECKS = (mirror, variants)
