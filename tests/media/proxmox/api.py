"""A stand-in for Proxmox' API, as far as upload.sh asks it: content of a storage, upload, state of a task.

The upload is read as PVE's own server reads it (proxmox/pve-http-server ca. 2026-08, src/PVE/APIServer/AnyEvent.pm,
`file_upload_multipart`): the fields in this order, the file last, a length and no chunks. Each request must bring the
token in its header, and while it is served no process may show the token among its arguments or in its environment.
"""

import hashlib
import http.server
import json
import re
import ssl
import threading
from pathlib import Path

FIELDS = ("content", "checksum-algorithm", "checksum")


def read_multipart(body, boundary):
    """The fields and the file's bytes; an error as PVE's parser would fail, or lose a field."""
    delimiter = b"--" + re.escape(boundary) + rb"\r?\n"
    params = {}
    for name in FIELDS:
        pattern = (
            rb"\A"
            + delimiter
            + rb'.*?Content-Disposition: (.*?); name="'
            + name.encode()
            + rb'"(.*?'
            + delimiter
            + rb")"
        )
        if not (match := re.match(pattern, body, re.DOTALL)):
            continue
        rest = re.sub(rb"\A.*?(\r?\n){2}", b"", match[2] + body[match.end() :], count=1, flags=re.DOTALL)
        value, body = re.match(rb"(.*?)(" + delimiter + rb".*)\Z", rest, re.DOTALL).groups()
        params[name] = value.decode().strip()
    match = re.match(
        rb"\A" + delimiter + rb'Content-Disposition: form-data; name="filename"; filename="([^"]+)".*?(\r?\n){2}',
        body,
        re.DOTALL,
    )
    if not match:
        raise ValueError("upload failed")
    params["filename"] = match[1].decode()
    return params, re.split(rb"\r?\n--" + re.escape(boundary) + b"--", body[match.end() :])[0]


def leaks(secret):
    """Processes that show a secret to others."""
    for process in Path("/proc").iterdir():
        for name in ("cmdline", "environ"):
            try:
                if secret in (process / name).read_bytes():
                    yield f"{name} of {(process / 'cmdline').read_bytes()[:200]}"
            except OSError:
                pass


class Api:
    """Serves `folder`/NODE/iso as the storage `local` of the nodes `pve` and `pve2`, over TLS with the certificate
    `pem`. It is `pve` that is asked, so all tasks are its own."""

    def __init__(self, folder, token, pem):
        self.folder, self.token = folder, token
        self.uploads, self.wrong, self.asked, self.verdict = [], [], 0, "OK"
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                api.answer(self, b"")

            def do_POST(self):
                if "Expect" in self.headers or "Transfer-Encoding" in self.headers:
                    api.wrong.append("Expect or chunks")
                api.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def handle_expect_100(self):
                return True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler, body):
        self.wrong += leaks(self.token.split("=")[1].encode())
        if handler.headers["Authorization"] != f"PVEAPIToken={self.token}":
            code, data = 401, None
        else:
            try:
                code, data = 200, self.do(handler.command, handler.path, handler.headers, body)
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                code, data = 400, str(error)
        content = json.dumps({"data": data}, separators=(",", ":")).encode()
        handler.send_response(code)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def do(self, method, path, headers, body):
        node = re.match("(/api2/json/nodes/pve2?)/", path)[1]
        isos = self.folder / Path(node).name / "iso"
        if (method, path) == ("GET", f"{node}/storage/local/content?content=iso"):
            return [
                {
                    "content": "iso",
                    "ctime": 1,
                    "volid": f"local:iso/{file.name}",
                    "size": file.stat().st_size,
                    "format": "iso",
                }
                for file in sorted(isos.iterdir())
            ]
        if (method, path) == ("POST", f"{node}/storage/local/upload"):
            boundary = re.search(r"multipart/form-data; *boundary=(\S+)", headers["Content-Type"])[1]
            params, content = read_multipart(body, boundary.encode())
            name = re.sub(r"[^a-zA-Z0-9_.-]", "_", params["filename"])
            if params["content"] != "iso" or not name.endswith(".iso") or params["checksum-algorithm"] != "sha256":
                raise ValueError(f"Parameter verification failed: {params}")
            if self.verdict == "OK" and hashlib.sha256(content).hexdigest() != params["checksum"]:
                self.verdict = "checksum mismatch"
            if self.verdict == "OK":
                (isos / name).write_bytes(content)
            self.uploads.append(name)
            self.asked = 0
            return "UPID:pve:0001E240:00A1B2C3:69000000:imgcopy::hagen@pve!upload:"
        if (method, path) == (
            "GET",
            "/api2/json/nodes/pve/tasks/UPID:pve:0001E240:00A1B2C3:69000000:imgcopy::hagen@pve!upload:/status",
        ):
            self.asked += 1
            task = {"upid": "UPID:pve:0001E240", "type": "imgcopy", "node": "pve", "pid": 123456}
            return task | (
                {"status": "running"} if self.asked == 1 else {"exitstatus": self.verdict, "status": "stopped"}
            )
        raise ValueError(f"no such path: {method} {path}")
