"""Machines with nothing but media: seeds from seed.iso, every container image from payload.iso, no registry anywhere.

One machine's payload is put in late, and another loses power while it loads
images. No image may be collected: it could not be pulled again. In the case
`packages` the machines are a plain Debian, and get containerd and Kubernetes
from packages of the payload, which `hagen images --script` has fetched.
"""

import re
import shutil
import sys

import debians
import store
from cluster import REPOSITORY, Failed, document
from machine import run

CASES = ["images", "packages"]
# Both in one.
SAMPLE = ["packages"]


def DOCUMENT(case):
    return document(software={"images": "payload"} if case == "images" else {"source": "payload"})


def image(version, case):
    return store.real("machine-root", version) if case == "images" else store.real("bare-root")


def page():
    """The commands of docs/air-gap.md: they are what is typed here."""
    lines = (REPOSITORY / "docs/air-gap.md").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if re.match("    (hagen|bash|kubectl) ", line)]


def payload(cluster, case):
    """What people fetch where registries are in reach; archives of tests/real/images are there already."""
    needed, print_script, fetch, render, _ = page()
    version = cluster.document["kubernetes"]["version"]
    images = cluster.folder / "payload/images"
    images.mkdir(parents=True)
    listing = cluster.type(needed)
    cluster.type(print_script)
    for line in (cluster.folder / "mirror.sh").read_text(encoding="utf-8").splitlines():
        if line.startswith("image "):
            _, name, _, file = line.split()
            if f"image    {name} " not in listing:
                raise Failed(f"the script fetches {name}, which is not in the list:\n{listing}")
            archive = store.real("images", version) / f"{name.rsplit('/', 1)[1].split(':')[0]}.tar"
            (images / f"{file}_amd64.tar").hardlink_to(archive)
    if case == "packages":
        fetch_packages(cluster.folder, fetch, store.real("packages", version))
    else:
        cluster.type(fetch)
    return render


def fetch_packages(folder, command, kubernetes):
    """Runs the script in a Debian of the machines' release, which knows Debian's archive and Kubernetes' packages."""
    work = folder / "mirror"
    for name in ("upper", "work", "root"):
        (work / name).mkdir(parents=True)
    debian = store.real("debian") / "root"
    commands = f"""
        mount --make-rprivate /
        mount -t overlay overlay -o lowerdir={debian},upperdir={work}/upper,workdir={work}/work {work}/root
        cd {work}/root
        mkdir -p mnt/site mnt/kubernetes
        mount --bind {folder} mnt/site
        mount --bind {kubernetes} mnt/kubernetes
        mount --bind /dev dev
        # This computer's way out.
        rm -f etc/resolv.conf
        cp /etc/resolv.conf etc/
        cp -r /etc/apt/apt.conf.d etc/apt/
        echo "deb {debians.mirror()} trixie main" >etc/apt/sources.list
        chroot . sh -euc '
            apt-get -qq update
            apt-get -qq install apt-utils >/dev/null
            # apt-get copies nothing that it finds under file:.
            echo "deb [trusted=yes] copy:/mnt/kubernetes ./" >>/etc/apt/sources.list
            cd /mnt/site
            {command}'
    """
    run("unshare", "--mount", "sh", "-euc", commands, stdout=sys.stderr)
    shutil.rmtree(work)


def play(cluster, case):
    for name in cluster.names():
        if any((cluster[name].folder / "containerd").iterdir()) or case == "packages" and (
                cluster[name].root / "usr/bin/kubeadm").exists():
            raise Failed(f"{name} has images or programs before it was ever on")
    cluster["w1"].drives.remove(cluster.payload)
    cluster.power_on()
    cluster.status("cp3", "running", "loading images from the payload: 4 of")
    cluster["cp3"].power_off()
    cluster.shows("w1", "waiting", "no disk with the label hagen-payload")
    cluster["cp3"].power_on()
    cluster["w1"].insert(cluster.payload)
    cluster.formed()
    cluster.pods_run()
    if "forgetting the images of an interrupted try" not in cluster["cp3"].journal("hagen-firstboot"):
        raise Failed("cp3 has not seen that its first try was interrupted")
    for name in cluster.names():
        wanted = set((cluster[name].read("/etc/hagen/images") or "").split())
        pinned = set(cluster[name].must(
            "ctr", "--namespace", "k8s.io", "images", "list", "--quiet", 'labels."io.cri-containerd.pinned"==pinned').split())
        if not wanted or not wanted <= pinned:
            raise Failed(f"{name} lacks {wanted - pinned}, or may lose it")
        if "/run/hagen/payload" in cluster[name].must("cat", "/proc/mounts"):
            raise Failed(f"{name} keeps its payload mounted")
    listing = cluster.type(page()[-1], machine="switch")
    if listing.count(" Ready ") != len(cluster.names()):
        raise Failed(f"not every node is Ready:\n{listing}")
    cluster.secrets_are_gone(*cluster.names())
