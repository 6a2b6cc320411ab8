"""What Python's email package finds in the messages of a folder, as JSON.

The folder holds 0.eml, 1.eml and so on; the list that is printed has a reading
for each.
"""

import email
import email.policy
import hashlib
import json
import os
import sys

LISTS = ("from", "sender", "reply-to", "to", "cc")


def reading(octets):
    message = email.message_from_bytes(octets, policy=email.policy.default)
    fields = {}
    for name, value in message.items():
        fields.setdefault(name.lower(), []).append(str(value))
    tree, leaves = [], []
    walk(message, 0, tree, leaves)
    return {
        "subject": fields.get("subject", [None])[0],
        "lists": {name: addresses(message, name) for name in LISTS},
        "fields": fields,
        "tree": "\n".join(tree),
        "leaves": leaves,
        "defects": sorted(set(defects(message))),
    }


def addresses(message, name):
    return [
        [address.display_name, address.addr_spec]
        for field in message.get_all(name, [])
        for address in field.addresses
    ]


def walk(part, depth, tree, leaves):
    encoding = str(part.get("content-transfer-encoding", "7bit")).lower()
    media_type = part.get_content_type()
    if part.is_multipart():
        # RFC 2045 §6.4
        wrong = "" if encoding in ("7bit", "8bit", "binary") else f" in {encoding}"
        tree.append("  " * depth + media_type + wrong)
        for inner in part.get_payload():
            walk(inner, depth + 1, tree, leaves)
    else:
        tree.append("  " * depth + media_type)
        leaves.append(leaf(part, media_type, encoding))


def leaf(part, media_type, encoding):
    octets = part.get_payload(decode=True)
    charset = part.get_content_charset("us-ascii")
    try:
        text = octets.decode(charset)
    except (LookupError, UnicodeDecodeError):
        text = None
    raw = part.get_payload()
    return {
        "type": media_type,
        "charset": charset,
        "encoding": encoding,
        "disposition": part.get_content_disposition(),
        "name": part.get_filename(),
        "id": part.get("content-id"),
        "sha256": hashlib.sha256(octets).hexdigest(),
        "text": text,
        "longest": max(map(len, raw.splitlines()), default=0),
    }


def defects(message):
    for part in message.walk():
        for defect in part.defects:
            yield type(defect).__name__
        for name, value in part.items():
            for defect in value.defects:
                if not is_stand_in(name, defect):
                    yield f"{name.lower()}: {type(defect).__name__}"


def is_stand_in(name, defect):
    # A file name outside US-ASCII stands there twice: in full (RFC 2231), and
    # in ASCII for old readers. Python takes the full one and notes the other.
    duplicate = "duplicate parameter name; duplicate ignored"
    return name.lower() == "content-disposition" and duplicate in str(defect)


def clean(found):
    """Octets beyond ASCII, which Python keeps as surrogates, as UTF-8."""
    if isinstance(found, str):
        return found.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(found, list):
        return [clean(inner) for inner in found]
    if isinstance(found, dict):
        return {name: clean(inner) for name, inner in found.items()}
    return found


readings = []
for number in range(len(os.listdir(sys.argv[1]))):
    with open(os.path.join(sys.argv[1], f"{number}.eml"), "rb") as file:
        readings.append(clean(reading(file.read())))
json.dump(readings, sys.stdout)
