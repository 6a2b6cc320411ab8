"""What an independent reader finds in the message on standard input, as JSON."""

import base64
import email
import email.policy
import json
import sys

message = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
text = message.get_body(preferencelist=("plain",))


def addresses(name):
    fields = message.get_all(name, [])
    return [[a.display_name, a.addr_spec] for field in fields for a in field.addresses]


def defects():
    for part in message.walk():
        yield from part.defects
        for name, value in part.items():
            for defect in value.defects:
                if not is_stand_in(name, defect):
                    yield defect


def is_stand_in(name, defect):
    # A file name outside US-ASCII stands there twice: in full (RFC 2231), and
    # in ASCII for old readers. Python takes the full one and notes the other.
    duplicate = "duplicate parameter name; duplicate ignored"
    return name.lower() == "content-disposition" and duplicate in str(defect)


json.dump(
    {
        "subject": message["subject"],
        "from": addresses("from"),
        "to": addresses("to"),
        "cc": addresses("cc"),
        "message-id": message["message-id"],
        "fields": [name.lower() for name in message.keys()],
        # Line ends are CRLF in base64, and what the file has elsewhere.
        "text": text and text.get_content().replace("\r\n", "\n"),
        "attachments": [
            {
                "name": part.get_filename(),
                "content": base64.b64encode(part.get_payload(decode=True)).decode(),
            }
            for part in message.iter_attachments()
        ],
        "defects": [repr(defect) for defect in defects()],
    },
    sys.stdout,
)
