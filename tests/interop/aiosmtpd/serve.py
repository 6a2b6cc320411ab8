"""aiosmtpd as a submission server with three ports, until standard input ends.

usage: serve.py DIRECTORY CLEARTEXT STARTTLS TLS USER PASSWORD

DIRECTORY holds server.pem and server.key. Each message is stored there under
mail/ as the octets that came after DATA (ID.eml) and, written last, what was
known of it besides (ID.json). Every attempt to sign in is a
line of `auth`: where, how, and whether the password was right.
"""

import itertools
import json
import pathlib
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

home = pathlib.Path(sys.argv[1])
cleartext, starttls, implicit = (int(port) for port in sys.argv[2:5])
user, password = (word.encode() for word in sys.argv[5:7])

REFUSALS = {
    "nobody@example.net": "550 5.1.1 no such user here",
    "later@example.net": "450 4.2.0 mailbox is busy, try again later",
}
numbers = itertools.count(1)


class Store:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in REFUSALS:
            return REFUSALS[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        name = f"A{next(numbers):05}"
        (home / "mail" / f"{name}.eml").write_bytes(envelope.content)
        known = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "signed in": bool(session.authenticated),
        }
        partial = home / "mail" / f"{name}.partial"
        partial.write_text(json.dumps(known))
        partial.rename(home / "mail" / f"{name}.json")
        return f"250 2.0.0 Ok: queued as {name}"


def sign_in(mode):
    def authenticator(server, session, envelope, mechanism, data):
        right = (data.login, data.password) == (user, password)
        with open(home / "auth", "a") as record:
            print(mode, mechanism, "right" if right else "wrong", file=record)
        return AuthResult(success=right, handled=False)

    return authenticator


tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(home / "server.pem", home / "server.key")
for port, mode, options in (
    # Offers AUTH in the clear, as careless servers do, and requires nothing.
    (cleartext, "cleartext", {"auth_require_tls": False}),
    (starttls, "starttls", {"tls_context": tls, "require_starttls": True, "auth_required": True}),
    # Inside implicit TLS aiosmtpd believes itself in the clear.
    (implicit, "implicit", {"ssl_context": tls, "auth_require_tls": False, "auth_required": True}),
):
    Controller(
        Store(),
        hostname="127.0.0.1",
        port=port,
        authenticator=sign_in(mode),
        decode_data=False,
        enable_SMTPUTF8=True,
        **options,
    ).start()

sys.stdin.buffer.read()
