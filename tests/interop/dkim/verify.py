"""What dkimpy says of each signature of the message on standard input.

The argument is a file of TXT records, a JSON object by name: no name server is
asked. Printed is a JSON list, from the top, of [algorithm, result].
"""

import json
import sys

import dkim

with open(sys.argv[1]) as file:
    records = json.load(file)
message = sys.stdin.buffer.read()


def look_up(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    return records[name.rstrip(".")].encode()


def result(nth):
    verifier = dkim.DKIM(message)
    try:
        passes = verifier.verify(nth, dnsfunc=look_up)
    except dkim.DKIMException as reason:
        return "error", str(reason)
    algorithm = verifier.signature_fields[b"a"].decode()
    return algorithm, "pass" if passes else "fail"


fields, _ = dkim.rfc822_parse(message)
signatures = [name for name, _ in fields if name.lower() == b"dkim-signature"]
json.dump([result(nth) for nth in range(len(signatures))], sys.stdout)
