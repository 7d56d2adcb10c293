"""shellcheck and the shells accept every script."""

import re
import subprocess

import yaml

SHELL = re.compile(rb"\A#!/bin/(?:ba)?sh$|\A# shellcheck shell=", re.M)
# Values that other scripts read.
ENVIRONMENT = ["--shell=bash", "--exclude=SC2034"]


def check(bench):
    seen = set()
    for rendering in bench.renderings():
        for node in rendering.nodes:
            scripts = [path for path in sorted(node.root.rglob("*")) if path.is_file() and SHELL.match(path.read_bytes())]
            # The same scripts are on many machines.
            content = tuple((path.relative_to(node.root), path.read_bytes()) for path in scripts)
            if content not in seen:
                seen.add(content)
                problems = [] if len(scripts) > 5 else ["where are the scripts?"]
                yield f"{node} {len(scripts)} scripts", problems + shellcheck(node, scripts) + parse("bash", scripts)
            values = [node.root / "etc/hagen/node.env"]
            yield f"{node} node.env", shellcheck(node, values, *ENVIRONMENT) + parse("bash", values)
            if not node.config():
                yield f"{node} commands of cloud-init", commands(bench, node)


def shellcheck(node, scripts, *options):
    """Sources are looked for where they are on the machine."""
    sources = ["--external-sources", "--source-path=SCRIPTDIR", f"--source-path={node.root}/var/lib/hagen/lib"]
    return run(["shellcheck", "--norc", "--format=gcc", *sources, *options, *scripts])


def parse(shell, scripts):
    return [line for script in scripts for line in run([shell, "-n", script])]


def commands(bench, node):
    """cloud-init gives texts in bootcmd and runcmd to sh."""
    user_data = yaml.safe_load((node.folder / "user-data").read_text(encoding="utf-8"))
    script = bench.folder() / "commands"
    problems = []
    for command in user_data["bootcmd"] + user_data["runcmd"]:
        script.write_text(command, encoding="utf-8")
        problems += run(["shellcheck", "--norc", "--format=gcc", "--shell=sh", script]) + parse("sh", [script])
    return problems


def run(command):
    process = subprocess.run(command, check=False, capture_output=True, text=True)
    lines = (process.stdout + process.stderr).splitlines()
    return lines if lines or process.returncode == 0 else [f"{command[0]} ended with {process.returncode}"]
