"""Certificates for tests of TLS: an authority, and what it signs for names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from testnode.commands import run

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


def make_certificates(folder: Path, names: Mapping[str, str]) -> str:
    """`<file>.crt` and `<file>.key` for each file -> name; returns the authority's certificate."""
    authority = folder / "authority.crt"
    files = ["-keyout", f"{folder}/authority.key", "-out", str(authority)]
    run(["openssl", "req", "-x509", *KEY, *files, "-subj", "/CN=authority"])
    signed = ["-CA", str(authority), "-CAkey", f"{folder}/authority.key"]
    for file, name in names.items():
        files = ["-keyout", f"{folder / file}.key", "-out", f"{folder / file}.crt"]
        known = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
        leaf = ["-addext", "basicConstraints=critical,CA:FALSE"]
        run(["openssl", "req", "-x509", *KEY, *files, *known, *leaf, *signed])
    return str(authority)
