"""Somebody between client and server, who holds a certificate the client trusts.

usage: relay.py DIRECTORY PORT SERVER-PORT VERSION [SUFFIX]

Listens on PORT with TLS of VERSION (1.2 or 1.3) and relay.pem of DIRECTORY,
speaks TLS to SERVER-PORT, and passes on what both say, until standard input
ends. Words of the server's AUTH line that end in SUFFIX are left out.
"""

import pathlib
import socket
import ssl
import sys
import threading

home, port, target, version = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:4]), sys.argv[4]
suffix = sys.argv[5].encode() if len(sys.argv) > 5 else None

inward = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
inward.load_cert_chain(home / "relay.pem", home / "relay.key")
inward.minimum_version = inward.maximum_version = {
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}[version]
outward = ssl.create_default_context(cafile=home / "authority.pem")


def passed(line):
    if suffix and line[:3] == b"250" and line[4:9].upper() == b"AUTH ":
        line = b" ".join(word for word in line.split() if not word.endswith(suffix)) + b"\r\n"
    return line


def pump(source, sink):
    try:
        for line in source.makefile("rb"):
            sink.sendall(passed(line))
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def attend(stream):
    try:
        client = inward.wrap_socket(stream, server_side=True)
        server = socket.create_connection(("127.0.0.1", target))
        server = outward.wrap_socket(server, server_hostname="localhost")
    except OSError:
        return stream.close()
    threading.Thread(target=pump, args=(client, server), daemon=True).start()
    pump(server, client)
    client.close()
    server.close()


def listen():
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=attend, args=(stream,), daemon=True).start()


threading.Thread(target=listen, daemon=True).start()
sys.stdin.buffer.read()
