"""The list of images is kubeadm's own."""

import json
import subprocess

import yaml

from bench import INIT


def check(bench):
    for rendering in bench.renderings(bench.versions):
        yield f"{rendering} images", images(rendering)


def images(rendering):
    """What `hagen images` lists for the first control plane and kubeadm would pull there."""
    command = [rendering.bench.hagen, "images", "--json", rendering.path]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    by_node = {node["name"]: {image["name"] for image in node["images"]} for node in listed["nodes"]}
    process = rendering.first.kubeadm(rendering.first.root, "config", "images", "list", "--config", f"/{INIT}")
    kubeadms = set(process.stdout.split())
    problems = [] if kubeadms and not process.stderr else [f"kubeadm lists {sorted(kubeadms)}", process.stderr]
    pods = {image for node in rendering.control_planes() for image in of_pods(node)}
    pods |= set(yaml.safe_load(rendering.path.read_text(encoding="utf-8")).get("software", {}).get("extraImages", []))
    ours = by_node[rendering.first.name]
    problems += [f"{image} is kubeadm's, and missing" for image in sorted(kubeadms - ours)]
    problems += [f"{image} is nobody's" for image in sorted(ours - kubeadms - pods)]
    problems += [f"{image} of a Pod is missing" for image in sorted(pods - ours)]
    # Those of static Pods run on control planes alone.
    static = {image for image in kubeadms if image.rsplit("/", 1)[1].startswith(("kube-apiserver", "kube-controller",
                                                                               "kube-scheduler", "etcd"))}
    for node in rendering.nodes:
        meant = kubeadms - static if node.part == "worker" else kubeadms
        if by_node[node.name] - pods != meant:
            problems.append(f"{node.name}: {sorted(by_node[node.name])}")
    return problems


def of_pods(node):
    """The images that its own manifests name: kube-vip's, and those that are applied."""
    for path in sorted(node.root.glob("etc/hagen/**/*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield from containers(document)


def containers(value):
    if isinstance(value, list):
        for item in value:
            yield from containers(item)
    elif isinstance(value, dict):
        for container in value.get("containers") or []:
            if isinstance(container, dict) and "image" in container:
                yield container["image"]
        for item in value.values():
            yield from containers(item)
