"""resolve.py SERVER NAME: ask a DNS server for the IPv4 address of NAME, print it."""

import socket
import sys

server, name = sys.argv[1:]
question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0\0\1\0\1"
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(3)
    client.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + question, (server, 53))
    answer = client.recv(512)
# One answer is enough, and its data stands last.
print(socket.inet_ntoa(answer[-4:]) if answer[6:8] == b"\0\1" else f"no single answer: {answer.hex()}")
