"""Python's HTTP server over TLS, until standard input ends.

usage: serve.py DIRECTORY PORT

DIRECTORY holds server.pem and server.key, and what is served. Besides files
there are: /moved, which leads to /document.xml; /chunked, the same document in
chunks; /closed, again the same, whose end is that of the connection, which
Python does not announce in TLS; and /form, which tells in JSON what was posted.
"""

import http.server
import json
import pathlib
import ssl
import sys
import threading
import urllib.parse

home = pathlib.Path(sys.argv[1])


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments):
        super().__init__(*arguments, directory=str(home))

    def do_GET(self):
        document = (home / "document.xml").read_bytes()
        if self.path == "/moved":
            self.send_response(301)
            self.send_header("Location", "/document.xml")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for octet in document:
                self.wfile.write(b"1\r\n%c\r\n" % octet)
            self.wfile.write(b"0\r\n\r\n")
        elif self.path == "/closed":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(document)
            self.close_connection = True
        else:
            super().do_GET()

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
        told = {
            "type": self.headers["Content-Type"],
            "fields": urllib.parse.parse_qsl(content, strict_parsing=True),
            "authorization": self.headers["Authorization"],
        }
        answer = json.dumps(told).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(home / "server.pem", home / "server.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
