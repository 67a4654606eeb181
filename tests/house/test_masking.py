"""Credentials are left out of what is shown or kept, wherever they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mizzen.core.place import Place
from mizzen.errors import UserError
from mizzen.masking import MASK, masked, without_credentials
from mizzen.spec.profile import Profile

PLANTED = "pl4nted-Passw0rd"


@pytest.mark.parametrize(
    "text",
    [
        f"http://me:{PLANTED}@mlflow.example:5000/x failed",
        f"https://{PLANTED}@host/",
        f"postgresql+psycopg://me:{PLANTED}@db/state?sslmode=require",
        f"redis://:{PLANTED}@cache:6379",
        f"see https://host/x?a=1&token={PLANTED}&b=2",
        f"https://bucket.example/key?X-Amz-Signature={PLANTED}",
        f"connection to host=db user=me password={PLANTED} failed",
        f"password='{PLANTED}' is wrong",
        f'{{"user": "me", "password": "{PLANTED}"}}',
        f"Authorization: Bearer {PLANTED}",
        f"{{'Authorization': 'Basic {PLANTED}'}}",
    ],
)
def test_a_credential_is_masked_by_its_place_in_a_text(text: str) -> None:
    assert PLANTED not in masked(text)
    assert MASK in masked(text)
    assert PLANTED not in str(UserError("x", given=text))
    assert PLANTED not in str(UserError(text, allowed=text, next_step=text).as_dict())


@pytest.mark.parametrize(
    "text",
    [
        "S3 refuses these credentials",
        "s3://bucket/prefix and file:///folder and git@host:x",
        "a bearer token; send `Authorization: Bearer TOKEN`",
        "MIZZEN_API_TOKEN=$(openssl rand -hex 32)",
        "mail me@example.org",
        "http://127.0.0.1:5000/#/experiments/1?x=y@z",
    ],
)
def test_what_is_no_credential_stands_as_it_is(text: str) -> None:
    assert masked(text) == text


@given(
    st.text("abcdefghijXYZ0189-._~!$*+", min_size=6).filter(lambda s: not s.isalpha()),
    st.sampled_from(["tracking", "data_store", "prediction_log", "metrics", "state"]),
)
def test_a_password_of_a_profile_is_masked_also_where_it_stands_alone(
    secret: str, field: str
) -> None:
    address = f"https://me:{secret}@host/x"
    names = {"tracking": "uri", "data_store": "url", "prediction_log": "url"}
    names |= {"metrics": "pushgateway"}
    value = address if field == "state" else {names[field]: address}
    document = {"apiVersion": "mizzen.dev/v1", "kind": "Profile", field: value}
    Place("x", Path("/home"), Profile.model_validate(document))
    assert secret not in masked(f"the password {secret} is wrong").removeprefix("the password ")
    assert without_credentials(address) == "https://host/x"


def test_secrets_of_the_environment_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "MIZZEN_API_TOKEN"):
        monkeypatch.setenv(name, f"{name}-{PLANTED}")
        assert PLANTED not in masked(f"tried {name}-{PLANTED}, in vain")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://me:{PLANTED}@s3:9000")
    assert PLANTED not in masked(f"s3 says no to {PLANTED}")


def test_a_process_prints_and_logs_no_credential_and_fails_in_no_encoding() -> None:
    script = (
        "import logging, sys; from mizzen.streams import guard_streams; guard_streams();"
        "logging.warning('at http://me:%s@host', sys.argv[1]); print('h\\u00e9 \\u2713 \\udcff');"
        "raise ValueError('postgresql://me:' + sys.argv[1] + '@db')"
    )
    for encoding in ("ascii", "euc-kr", "cp949", "latin-1", "utf-8"):
        done = subprocess.run(
            [sys.executable, "-c", script, PLANTED],
            capture_output=True,
            env={"PYTHONIOENCODING": encoding},
            check=False,
        )
        assert PLANTED.encode() not in done.stdout + done.stderr
        assert done.stderr.count(b"me:***@") == 2
        assert b"UnicodeEncodeError" not in done.stderr
        assert b"udcff" in done.stdout
    assert "✓".encode() in done.stdout
