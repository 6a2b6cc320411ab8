"""Cyrus SASL's server side, as much of it as a mail server needs.

The library reads NAME.conf in the directory that the variable SASL_CONF_PATH
names; sasl_server_init takes NAME.
"""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_uint, c_ulong, c_void_p

OK, CONTINUE = 0, 1
# Property numbers and flags of sasl.h.
CHANNEL_BINDING, SSF_EXTERNAL, SEC_PROPS, AUTH_EXTERNAL, USERNAME = 21, 100, 101, 102, 0
SET_CREATE = 1


class ChannelBinding(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("critical", c_int), ("len", c_ulong), ("data", c_char_p)]


class SecurityProperties(ctypes.Structure):
    _fields_ = [
        ("min_ssf", c_uint),
        ("max_ssf", c_uint),
        ("maxbufsize", c_uint),
        ("security_flags", c_uint),
        ("property_names", c_void_p),
        ("property_values", c_void_p),
    ]


library = ctypes.CDLL("libsasl2.so.2")
for name, arguments in {
    "sasl_server_init": [c_void_p, c_char_p],
    "sasl_server_new": [c_char_p] * 5 + [c_void_p, c_uint, POINTER(c_void_p)],
    "sasl_setprop": [c_void_p, c_int, c_void_p],
    "sasl_getprop": [c_void_p, c_int, POINTER(c_void_p)],
    "sasl_listmech": [c_void_p] + [c_char_p] * 4 + [POINTER(c_char_p), c_void_p, c_void_p],
    "sasl_server_start": [c_void_p, c_char_p, c_char_p, c_uint, POINTER(c_void_p), POINTER(c_uint)],
    "sasl_server_step": [c_void_p, c_char_p, c_uint, POINTER(c_void_p), POINTER(c_uint)],
    "sasl_setpass": [c_void_p, c_char_p, c_char_p, c_uint, c_char_p, c_uint, c_uint],
    "sasl_dispose": [POINTER(c_void_p)],
}.items():
    getattr(library, name).argtypes = arguments
library.sasl_errdetail.argtypes = [c_void_p]
library.sasl_errdetail.restype = c_char_p
library.sasl_dispose.restype = None


def initialise(name):
    status = library.sasl_server_init(None, name.encode())
    assert status == OK, f"sasl_server_init: {status}"


class Conversation:
    """One connection's sign-in."""

    def __init__(self, realm):
        self.handle = c_void_p()
        # What properties point to must live as long as the library may look.
        self.kept = []
        status = library.sasl_server_new(
            b"smtp", realm.encode(), realm.encode(), None, None, None, 0, byref(self.handle)
        )
        assert status == OK, f"sasl_server_new: {status}"
        # Nothing is forbidden, and no layer of its own is negotiated.
        self._set(SEC_PROPS, SecurityProperties())

    def _set(self, number, value):
        self.kept.append(value)
        at = value if isinstance(value, c_char_p) else byref(value)
        status = library.sasl_setprop(self.handle, number, at)
        assert status == OK, f"sasl_setprop {number}: {self.trouble()}"

    def protected(self, client):
        """Inside TLS, where the client's certificate names `client`, if any."""
        self._set(SSF_EXTERNAL, c_uint(256))
        if client:
            self._set(AUTH_EXTERNAL, c_char_p(client.encode()))

    def bound(self, name, data):
        self._set(CHANNEL_BINDING, ChannelBinding(name.encode(), 0, len(data), data))

    def mechanisms(self):
        names = c_char_p()
        status = library.sasl_listmech(
            self.handle, None, b"", b" ", b"", byref(names), None, None
        )
        return names.value.decode().split() if status == OK else []

    def start(self, mechanism, response):
        """`response` is None where the client waits for a challenge first."""
        said = (None, 0) if response is None else (response, len(response))
        return self._run(library.sasl_server_start, mechanism.encode(), *said)

    def step(self, response):
        return self._run(library.sasl_server_step, response, len(response))

    def _run(self, function, *arguments):
        out, length = c_void_p(), c_uint()
        status = function(self.handle, *arguments, byref(out), byref(length))
        return status, ctypes.string_at(out, length.value) if out else b""

    def user(self):
        value = c_void_p()
        assert library.sasl_getprop(self.handle, USERNAME, byref(value)) == OK
        return ctypes.string_at(value).decode()

    def trouble(self):
        return library.sasl_errdetail(self.handle).decode()

    def store(self, user, password):
        word = password.encode()
        status = library.sasl_setpass(
            self.handle, user.encode(), word, len(word), None, 0, SET_CREATE
        )
        assert status == OK, f"sasl_setpass: {self.trouble()}"

    def close(self):
        library.sasl_dispose(byref(self.handle))


if __name__ == "__main__":
    # usage: sasl.py NAME REALM USER, with the password on standard input.
    import sys

    initialise(sys.argv[1])
    conversation = Conversation(sys.argv[2])
    conversation.store(sys.argv[3], sys.stdin.read())
    conversation.close()
