"""A stand-in for Proxmox' API, as far as the provider bpg/proxmox asks it for `apply`: machines that are made, read,
changed and started, volumes, tasks that have ended well.

What it answers was written down from what the provider asks. It judges nothing; what was asked is in `asked`.
"""

import http.server
import json
import re
import ssl
import threading
import urllib.parse

TASK = "UPID:pve:0001E240:00A1B2C3:69000000:task:1:hagen@pve!upload:"
DONE = {"status": "stopped", "exitstatus": "OK", "upid": TASK, "node": "pve", "pid": 1, "pstart": 1, "starttime": 1}
STORAGE = {"storage": "local", "type": "dir", "content": "iso,import", "path": "/var/lib/vz", "active": 1, "enabled": 1}
# JSON has numbers where the configuration has these.
NUMBERS = ("acpi", "cores", "kvm", "memory", "numa", "onboot", "protection", "sockets", "tablet", "template")
AFTER = {"start": "running", "reboot": "running", "stop": "stopped", "shutdown": "stopped", "reset": "running"}


class Virtual:
    """Serves the Proxmox nodes `pve` and `pve2`, over TLS with the certificate `pem`.

    `machines` by VMID: the `node`, its `config` and `status`; `asked`: each request that is no GET, as one line."""

    def __init__(self, pem):
        self.machines, self.volumes, self.asked = {}, set(), []
        virtual = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if "chunked" in self.headers.get("Transfer-Encoding", ""):
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                path = urllib.parse.unquote(urllib.parse.urlparse(self.path).path.removeprefix("/api2/json"))
                if self.command != "GET":
                    virtual.asked.append(f"{self.command} {path}")
                try:
                    code, data = 200, virtual.do(self.command, path, body)
                except KeyError as error:
                    code, data = 500, f"no {error}: {self.command} {path}"
                content = json.dumps({"data": data}).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self.url = f"https://localhost:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def do(self, method, path, body):
        if match := re.fullmatch(r"/nodes/pve2?/qemu(?:/([0-9]+)(/.*)?)?", path):
            form = dict(urllib.parse.parse_qsl(body.decode()))
            return self.machine(method, match[1], match[2], form)
        if path.endswith("/storage/local/upload"):
            self.volumes.add("local:iso/" + re.search(rb'filename="([^"]+)"', body)[1].decode())
            return TASK
        if path.endswith("/storage/local/content"):
            volumes = sorted(self.volumes)
            return [{"volid": volid, "content": "iso", "format": "iso", "size": 1, "ctime": 1} for volid in volumes]
        if "/storage/local/content/" in path and method == "DELETE":
            self.volumes.discard(path.partition("/content/")[2])
            return TASK
        if "/content/" in path:
            return {"path": "/dev/pve/disk", "size": 32 << 30, "format": "raw", "used": 1}
        if "/tasks/" in path:
            return [] if path.endswith("/log") else DONE
        if path == "/cluster/resources":
            return [
                {"type": "qemu", "id": f"qemu/{vmid}", "vmid": int(vmid), "node": vm["node"], "status": vm["status"]}
                for vmid, vm in self.machines.items()
            ]
        others = {
            "/version": {"version": "9.1.1", "release": "9.1", "repoid": "1"},
            "/nodes": [{"node": "pve", "status": "online"}, {"node": "pve2", "status": "online"}],
            "/pools": [],
        }
        if path in others:
            return others[path]
        if re.fullmatch("(/nodes/pve2?)?/storage", path):
            return [STORAGE]
        if re.match("(/nodes/pve2?)?/storage/local", path):
            return STORAGE
        raise KeyError(path)

    def machine(self, method, vmid, what, form):
        if not vmid:
            if method == "POST":
                vmid = form.pop("vmid")
                self.machines[vmid] = {"node": "pve", "config": {}, "status": "stopped"}
                self.configure(vmid, form)
                return TASK
            return [{"vmid": int(vmid), "status": vm["status"]} for vmid, vm in self.machines.items()]
        vm = self.machines[vmid]
        if what == "/config" and method == "GET":
            numbers = {key: int(vm["config"][key]) for key in NUMBERS if vm["config"].get(key, "").isdigit()}
            return vm["config"] | numbers | {"digest": "1"}
        if what == "/config":
            self.configure(vmid, form)
            return TASK if method == "POST" else None
        if what == "/resize":
            size = f"size={int(form['size']) >> 30}G"
            vm["config"][form["disk"]] = re.sub(r"size=\w+", size, vm["config"][form["disk"]])
            return TASK
        if what == "/agent/network-get-interfaces":
            addresses = [{"ip-address": "10.9.0.21", "ip-address-type": "ipv4", "prefix": 24}]
            return {"result": [{"name": "eth0", "ip-addresses": addresses}]}
        if what == "/pending":
            return []
        if what == "/status/current":
            return {"vmid": int(vmid), "name": vm["config"]["name"], "status": vm["status"], "qmpstatus": vm["status"]}
        if what and what.startswith("/status/"):
            vm["status"] = AFTER[what.removeprefix("/status/")]
            return TASK
        if method == "DELETE" and not what:
            del self.machines[vmid]
            return TASK
        raise KeyError(what)

    def configure(self, vmid, form):
        """Drives as Proxmox writes them down: without `file=`, a copied disk with its name and size."""
        config = self.machines[vmid]["config"]
        for key in filter(None, form.pop("delete", "").split(",")):
            config.pop(key, None)
        for key, value in form.items():
            if re.fullmatch(r"(scsi|ide)[0-9]+", key):
                words = value.removeprefix("file=").rstrip(",").split(",")
                if "import-from=" in value:
                    known = [word for word in words[1:] if not word.startswith(("import-from=", "size="))]
                    words = [f"local-lvm:vm-{vmid}-disk-0", *sorted(known), "size=3G"]
                value = ",".join(words)
            config[key] = value
