"""Machines of a running cluster, the init node or each other one in turn, get a blank disk and the same seed."""

from cluster import Failed, document

CASES = ["init", "others"]
SAMPLE = ["init"]
DOCUMENT = document()


def play(cluster, case):
    cluster.power_on()
    cluster.formed()
    for name in ("cp1",) if case == "init" else ("cp2", "cp3", "w1"):
        before, uid = disturbable(cluster, name), cluster.uid()
        cluster.blank(name)
        cluster.power_on(name)
        cluster.formed()
        if cluster.uid() != uid:
            raise Failed("another cluster")
        if disturbable(cluster, name) != before:
            raise Failed(f"while {name} came back, others were changed: {before} became {disturbable(cluster, name)}")
        cluster.say(f"{name} is back, and nothing else was disturbed")


def disturbable(cluster, name):
    """The other machines' members of etcd, by ID, and Nodes, by UID."""
    other = next(each for each in cluster.control_planes() if each != name)
    members = {each["name"]: each["ID"] for each in cluster.etcd_members(other)}
    nodes, problem = cluster.objects("nodes")
    if problem:
        raise Failed(problem)
    nodes = {each["metadata"]["name"]: each["metadata"]["uid"] for each in nodes}
    return [{key: value for key, value in each.items() if key != name} for each in (members, nodes)]
