"""A mail server around Cyrus SASL and OpenSSL, until standard input ends.

usage: serve.py DIRECTORY USER CLEARTEXT STARTTLS TLS STARTTLS-1.2 TLS-1.2

DIRECTORY holds server.pem, server.key, authority.pem, and sasl/cyrus.conf. The
first three ports speak TLS 1.3 if any, the last two TLS 1.2. Each message is
stored in mail/ as ID.eml with its recipients in ID.to, written last. Every
attempt to sign in is a line of `auth`: the mechanism, the GS2 flag of SCRAM, and
what the library said. `asked` and `answered` hold, in base64, what was said
meanwhile.
"""

import base64
import binascii
import hashlib
import itertools
import os
import pathlib
import socket
import sys
import threading

from OpenSSL import SSL, crypto

sys.path.insert(0, str(pathlib.Path(__file__).parent))
home = pathlib.Path(sys.argv[1])
user = sys.argv[2]
ports = [int(port) for port in sys.argv[3:8]]
os.environ["SASL_CONF_PATH"] = str(home / "sasl")

import sasl  # noqa: E402, it loads the library, which reads the variable

REALM = "cyrus.test"
numbers = itertools.count(1)


def context(version):
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    made.set_min_proto_version(version)
    made.set_max_proto_version(version)
    made.use_certificate_chain_file(str(home / "server.pem"))
    made.use_privatekey_file(str(home / "server.key"))
    # Asks for a certificate, and takes a client without one.
    made.load_verify_locations(str(home / "authority.pem"))
    made.set_verify(SSL.VERIFY_PEER, lambda _c, _x, _number, _depth, fine: bool(fine))
    made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    made.set_options(SSL.OP_NO_TICKET)
    return made


def end_point():
    """tls-server-end-point (RFC 5929 §4.1) of a certificate signed with SHA-256."""
    pem = (home / "server.pem").read_bytes()
    certificate = crypto.load_certificate(crypto.FILETYPE_PEM, pem)
    assert b"sha256" in certificate.get_signature_algorithm().lower()
    der = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
    return hashlib.sha256(der).digest()


class Gone(Exception):
    pass


class Client:
    def __init__(self, channel, version, implicit):
        self.channel, self.version = channel, version
        self.buffer = b""
        self.secured = False
        self.signed_in = None
        self.envelope = None
        if implicit:
            self.secure()

    def secure(self):
        self.channel = SSL.Connection(context(self.version), self.channel)
        self.channel.set_accept_state()
        self.channel.do_handshake()
        self.secured, self.buffer = True, b""

    def line(self):
        while b"\n" not in self.buffer:
            octets = self.channel.recv(65536)
            if not octets:
                raise Gone
            self.buffer += octets
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def say(self, *lines):
        last = len(lines) - 1
        for at, text in enumerate(lines):
            mark = " " if at == last else "-"
            self.channel.sendall(f"{text[:3]}{mark}{text[4:]}\r\n".encode())

    # Binding ---------------------------------------------------------------

    def binding(self, name):
        if name == "tls-exporter":
            return self.channel.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
        return end_point()

    def conversation(self, initial=None):
        """Knows the binding that the client chose, or else the usual one."""
        conversation = sasl.Conversation(REALM)
        if self.secured:
            certificate = self.channel.get_peer_certificate()
            conversation.protected(certificate and certificate.get_subject().CN)
            name = "tls-exporter" if self.version == SSL.TLS1_3_VERSION else "tls-server-end-point"
            if initial and initial.startswith(b"p=tls-server-end-point,"):
                name = "tls-server-end-point"
            conversation.bound(name, self.binding(name))
        return conversation

    # Commands ----------------------------------------------------------------

    def serve(self):
        self.say(f"220 {REALM} ESMTP")
        while True:
            line = self.line()
            verb, _, rest = line.decode(errors="replace").partition(" ")
            action = getattr(self, "on_" + verb.lower(), None)
            if action is None:
                self.say("500 5.5.1 what?")
            elif action(rest) is False:
                return

    def on_ehlo(self, _):
        conversation = self.conversation()
        lines = [f"250 {REALM}", "250 PIPELINING", "250 8BITMIME", "250 SMTPUTF8"]
        lines += ["250 ENHANCEDSTATUSCODES", "250 AUTH " + " ".join(conversation.mechanisms())]
        conversation.close()
        if self.version and not self.secured:
            lines.insert(1, "250 STARTTLS")
            # Nothing to sign in with before TLS, where there is TLS.
            lines.pop()
        self.say(*lines)

    def on_starttls(self, _):
        if self.secured or not self.version:
            return self.say("503 5.5.1 not now")
        self.say("220 2.0.0 go ahead")
        self.secure()

    def on_auth(self, rest):
        if self.version and not self.secured:
            return self.say("530 5.7.0 TLS first")
        mechanism, _, initial = rest.partition(" ")
        self.note("answered", initial.encode())
        initial = (b"" if initial == "=" else base64.b64decode(initial)) if initial else None
        conversation = self.conversation(initial)
        try:
            if mechanism.upper() not in conversation.mechanisms():
                return self.say("504 5.5.4 no such mechanism here")
            status, challenge = conversation.start(mechanism.upper(), initial)
            while status == sasl.CONTINUE:
                challenge = base64.b64encode(challenge)
                self.note("asked", challenge)
                self.say("334 " + challenge.decode())
                answer = self.line()
                self.note("answered", answer)
                if answer == b"*":
                    self.record(mechanism, initial, "given up")
                    return self.say("501 5.7.0 given up")
                status, challenge = conversation.step(base64.b64decode(answer, validate=True))
            name = status == sasl.OK and conversation.user().removesuffix("@" + REALM)
            # EXTERNAL takes whoever has a certificate.
            if name and name not in (user, "anonymous"):
                self.record(mechanism, initial, f"{name} is a stranger")
                self.say("535 5.7.8 no")
            elif name:
                self.signed_in = name
                self.record(mechanism, initial, "right")
                self.say("235 2.7.0 welcome")
            else:
                self.record(mechanism, initial, f"{status} {conversation.trouble()}")
                self.say("535 5.7.8 no")
        except binascii.Error:
            self.say("501 5.5.2 no base64")
        finally:
            conversation.close()

    def note(self, side, line):
        with open(home / side, "ab") as notes:
            notes.write(line + b"\n")

    def record(self, mechanism, initial, said):
        scram = mechanism.upper().startswith("SCRAM-") and initial
        flag = initial.split(b",")[0].decode() if scram else "-"
        with open(home / "auth", "a") as record:
            print(mechanism, flag, said, file=record)

    def on_mail(self, _):
        if self.version and self.signed_in is None:
            return self.say("530 5.7.0 sign in first")
        self.envelope = []
        self.say("250 2.1.0 Ok")

    def on_rcpt(self, rest):
        self.envelope.append(rest.partition("<")[2].partition(">")[0])
        self.say("250 2.1.5 Ok")

    def on_data(self, _):
        self.say("354 go ahead")
        lines = []
        while (line := self.line()) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        name = f"C{next(numbers):05}"
        (home / "mail" / f"{name}.eml").write_bytes(b"".join(line + b"\r\n" for line in lines))
        partial = home / "mail" / f"{name}.partial"
        partial.write_text("".join(to + "\n" for to in self.envelope))
        partial.rename(home / "mail" / f"{name}.to")
        self.say(f"250 2.0.0 Ok: queued as {name}")

    def on_rset(self, _):
        self.envelope = None
        self.say("250 2.0.0 Ok")

    def on_noop(self, _):
        self.say("250 2.0.0 Ok")

    def on_quit(self, _):
        self.say("221 2.0.0 bye")
        return False


def attend(stream, version, implicit):
    try:
        Client(stream, version, implicit).serve()
    except (Gone, OSError, SSL.Error):
        pass
    finally:
        stream.close()


def listen(port, version, implicit):
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=attend, args=(stream, version, implicit), daemon=True).start()


sasl.initialise("cyrus")
for port, version, implicit in zip(
    ports,
    [None, SSL.TLS1_3_VERSION, SSL.TLS1_3_VERSION, SSL.TLS1_2_VERSION, SSL.TLS1_2_VERSION],
    [False, False, True, False, True],
):
    threading.Thread(target=listen, args=(port, version, implicit), daemon=True).start()

sys.stdin.buffer.read()
