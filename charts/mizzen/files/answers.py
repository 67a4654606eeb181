"""Asks every address of argv, TLS by the authority of its own name: all must answer 200."""

import ssl
import sys
import urllib.request

unverified = ssl.create_default_context()  # whether it answers is the question, not who it is
unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
for address in sys.argv[1:]:
    with urllib.request.urlopen(address, timeout=10, context=unverified) as answer:  # noqa: S310
        print(address, answer.status)  # noqa: T201 (`helm test --logs` shows it)
