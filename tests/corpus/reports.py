"""What Python's email package finds in the reports of a folder, as JSON: the
groups of fields for programs, and what came back of the message.

The folder holds 0.eml, 1.eml and so on; the list that is printed has a reading
for each.
"""

import email
import email.policy
import json
import os
import quopri
import sys

EXACT = email.policy.default.clone(refold_source="none")


def reading(octets):
    report = email.message_from_bytes(octets, policy=EXACT)
    words, status, *returned = report.get_payload()
    return {
        "type": report.get_content_type(),
        "report-type": report.get_param("report-type"),
        "words": words.get_content(),
        "status": status.get_content_type(),
        "groups": groups(status),
        "returned": [returning(part) for part in returned],
        "defects": [type(found).__name__ for part in report.walk() for found in part.defects],
    }


def groups(status):
    if status.get_content_type() == "message/delivery-status":
        found = status.get_payload()
    else:
        # Fields in UTF-8 (RFC 6532), which Python reads in a text only.
        found = map(email.message_from_string, raw(status).decode().split("\n\n"))
    return [{name: str(value) for name, value in group.items()} for group in found]


def returning(part):
    kind = part.get_content_type()
    if kind == "message/rfc822":
        message = part.get_payload()[0]
    elif kind == "text/rfc822-headers":
        message = email.message_from_string(part.get_content(), policy=EXACT)
    else:
        octets = raw(part)
        if part["Content-Transfer-Encoding"] == "quoted-printable":
            octets = quopri.decodestring(octets)
        header, body = octets.decode().split("\n\n", 1)
        message = email.message_from_string(header, policy=EXACT)
        return {"type": kind, "subject": message["Subject"], "text": body}
    text = message.get_content().replace("\r\n", "\n")
    return {"type": kind, "subject": message["Subject"], "text": text}


def raw(part):
    """The octets of a message/global, which Python takes for a message."""
    return part.get_payload()[0].as_bytes().replace(b"\r\n", b"\n")


readings = []
for number in range(len(os.listdir(sys.argv[1]))):
    with open(os.path.join(sys.argv[1], f"{number}.eml"), "rb") as file:
        readings.append(reading(file.read()))
json.dump(readings, sys.stdout)
