"""An issuer of access tokens, of Authlib and Flask, until standard input ends.

usage: serve.py DIRECTORY HTTPS HTTP USER

DIRECTORY holds server.pem and server.key. The same issuer is behind both ports
of 127.0.0.1; it calls itself https://localhost:HTTPS, and the other port is for
servers that ask about tokens. USER is who logs in: nobody has to prove it, but
somebody has to say yes or no, at /device or /authorize, as a browser would.

Each grant that ended in tokens is a line of `grants`, with the time; so is each
token that was given back. Tokens that somebody writes into `withdrawn`, one a
line, are none any more. Refresh tokens hold once.
"""

import os
import pathlib
import ssl
import sys
import threading
import time

# The second port has no TLS, on loopback.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin, ClientMixin, TokenMixin
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc8628 import (
    DEVICE_CODE_GRANT_TYPE,
    DeviceAuthorizationEndpoint,
    DeviceCodeGrant,
    DeviceCredentialDict,
)
from flask import Flask, jsonify, request
from werkzeug.serving import make_server

home = pathlib.Path(sys.argv[1])
https, http = (int(port) for port in sys.argv[2:4])
user = sys.argv[4]
ISSUER = f"https://localhost:{https}"
LIFETIME = 3600

app = Flask("identity provider")
lock = threading.Lock()


def note(what):
    with lock, open(home / "grants", "a") as grants_file:
        grants_file.write(f"{time.time():.3f} {what}\n")


def withdrawn():
    file = home / "withdrawn"
    return file.read_text().split() if file.exists() else []


class Client(ClientMixin):
    def __init__(self, name, secret, grant_types):
        self.name, self.secret, self.grant_types = name, secret, grant_types

    def get_client_id(self):
        return self.name

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return " ".join(word for word in (scope or "").split() if word in SCOPES)

    def check_redirect_uri(self, uri):
        # RFC 8252 section 7.3: any port of the loopback interface.
        return uri.startswith("http://127.0.0.1:") and "/" not in uri[len("http://") :]

    def check_client_secret(self, secret):
        return self.secret is not None and secret == self.secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method == ("none" if self.secret is None else "client_secret_basic")

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in self.grant_types


SCOPES = ["smtp", "offline_access"]
EVERY = ["authorization_code", "refresh_token", DEVICE_CODE_GRANT_TYPE]
CLIENTS = {
    client.name: client
    for client in [
        Client("envoi", None, EVERY),
        Client("desktop", "word-of-the-client", EVERY),
        Client("dovecot", "asks", []),
    ]
}


class Token(TokenMixin):
    def __init__(self, token, client, scope):
        self.access, self.refresh = token["access_token"], token.get("refresh_token")
        self.client, self.scope = client, scope
        self.until = time.time() + token["expires_in"]
        self.used = self.revoked = False

    def check_client(self, client):
        return self.client == client.name

    def get_scope(self):
        return self.scope

    def get_expires_in(self):
        return LIFETIME

    def is_expired(self):
        return time.time() > self.until

    def is_revoked(self):
        return self.revoked or self.access in withdrawn()

    def is_refresh_token_active(self):
        return not (self.used or self.revoked or self.refresh in withdrawn())


tokens = []


def save_token(token, request):
    with lock:
        tokens.append(Token(token, request.client.name, token.get("scope", "")))
    note(request.grant_type)


def find(octets):
    return next((token for token in tokens if octets in (token.access, token.refresh)), None)


class Code(AuthorizationCodeMixin):
    def __init__(self, code, request):
        self.code, self.client = code, request.client.name
        self.redirect_uri, self.scope = request.redirect_uri, request.scope
        self.code_challenge = request.data.get("code_challenge")
        self.code_challenge_method = request.data.get("code_challenge_method")

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope


codes = {}


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "none"]

    def save_authorization_code(self, code, request):
        codes[code] = Code(code, request)

    def query_authorization_code(self, code, client):
        known = codes.get(code)
        return known if known and known.client == client.name else None

    def delete_authorization_code(self, code):
        del codes[code.code]

    def authenticate_user(self, code):
        return user


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "none"]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        token = next((token for token in tokens if token.refresh == refresh_token), None)
        return token if token and token.is_refresh_token_active() else None

    def authenticate_user(self, credential):
        return user

    def revoke_old_credential(self, credential):
        credential.used = True


device_codes = {}
decisions = {}


class DeviceEndpoint(DeviceAuthorizationEndpoint):
    INTERVAL = 1

    def get_verification_uri(self):
        return f"{ISSUER}/device"

    def save_device_credential(self, client_id, scope, data):
        known = dict(data, client_id=client_id, scope=scope)
        known["expires_at"] = time.time() + data["expires_in"]
        device_codes[data["device_code"]] = DeviceCredentialDict(known)


class DeviceGrant(DeviceCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "none"]

    def query_device_credential(self, device_code):
        return device_codes.get(device_code)

    def query_user_grant(self, user_code):
        return decisions.get(user_code)

    def should_slow_down(self, credential):
        return False


class Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = ["client_secret_basic"]

    def query_token(self, token_string, hint):
        return next((token for token in tokens if token.access == token_string), None)

    def introspect_token(self, token):
        return {"active": True, "username": user, "scope": token.scope, "client_id": token.client}

    def check_permission(self, token, client, request):
        return client.name == "dovecot"


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = ["client_secret_basic", "none"]

    def query_token(self, token_string, hint):
        return find(token_string)

    def revoke_token(self, token, request):
        token.revoked = True
        note("revoked")


server = AuthorizationServer(app, query_client=CLIENTS.get, save_token=save_token)
server.register_grant(CodeGrant, [CodeChallenge(required=True)])
server.register_grant(RefreshGrant)
server.register_grant(DeviceGrant)
for endpoint in [DeviceEndpoint, Introspection, Revocation]:
    server.register_endpoint(endpoint)
app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {
    name: LIFETIME for name in ["authorization_code", DEVICE_CODE_GRANT_TYPE]
}


def generate(grant_type, client, user=None, scope=None, expires_in=None, include_refresh_token=True):
    from authlib.common.security import generate_token

    token = {
        "token_type": "Bearer",
        "access_token": generate_token(42),
        "expires_in": LIFETIME,
        "scope": scope or "",
    }
    # What renews it is for those who asked for that.
    if include_refresh_token and "offline_access" in (scope or "").split():
        token["refresh_token"] = generate_token(48)
    return token


server.register_token_generator("default", generate)


@app.route("/.well-known/oauth-authorization-server")
def metadata():
    said = AuthorizationServerMetadata(
        issuer=ISSUER,
        authorization_endpoint=f"{ISSUER}/authorize",
        token_endpoint=f"{ISSUER}/token",
        device_authorization_endpoint=f"{ISSUER}/device_authorization",
        revocation_endpoint=f"{ISSUER}/revoke",
        introspection_endpoint=f"{ISSUER}/introspect",
        scopes_supported=SCOPES,
        response_types_supported=["code"],
        grant_types_supported=EVERY,
        token_endpoint_auth_methods_supported=["client_secret_basic", "none"],
        code_challenge_methods_supported=["S256"],
    )
    said.validate()
    return jsonify(said)


@app.route("/authorize")
def authorize():
    # Who says no is named by `deny` in the file of that name.
    denies = (home / "deny").exists()
    return server.create_authorization_response(grant_user=None if denies else user)


@app.route("/device")
def device():
    approved = request.args.get("allow", "yes") == "yes"
    decisions[request.args["user_code"]] = (user, approved)
    return "done"


@app.route("/token", methods=["POST"])
def token():
    return server.create_token_response()


@app.route("/device_authorization", methods=["POST"])
def device_authorization():
    return server.create_endpoint_response("device_authorization")


@app.route("/introspect", methods=["POST"])
def introspect():
    return server.create_endpoint_response("introspection")


@app.route("/revoke", methods=["POST"])
def revoke():
    return server.create_endpoint_response("revocation")


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(home / "server.pem", home / "server.key")
for port, tls in [(https, context), (http, None)]:
    listener = make_server("127.0.0.1", port, app, threaded=True, ssl_context=tls)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
sys.stdin.read()
