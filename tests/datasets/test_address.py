"""No password, token or signature of an address is shown, wherever in it it stands; what is needed to find the server stays."""

from __future__ import annotations

import pickle

import pytest

from gauntlet.datasets.address import masked, one_line, safe_cause, without_login
from gauntlet.datasets.errors import BadInput, GauntletError, ServiceDown

SECRET = "h-u~n%74er2"
CASES = {
    f"http://plant:{SECRET}@mlflow.example:5000/api": "http://plant:***@mlflow.example:5000/api",
    f"https://{SECRET}@git.example/x": "https://***@git.example/x",
    f"http://:{SECRET}@host/": "http://:***@host/",
    f"postgresql+psycopg://plant:{SECRET}@db/claims": "postgresql+psycopg://plant:***@db/claims",
    f"postgresql://plant:a/{SECRET}?x#y z@db/claims": "postgresql://plant:***@db/claims",
    f"postgresql://plant:1.{SECRET}@db/claims": "postgresql://plant:***@db/claims",
    "postgresql://plant:1234@db/claims": "postgresql://plant:***@db/claims",
    f"http://plant:a@{SECRET}@host/x": "http://plant:***@host/x",
    f"postgresql://db/claims?user=plant&password={SECRET}&sslmode=require":
        "postgresql://db/claims?user=plant&password=***&sslmode=require",
    f"postgresql://db/claims?sslpassword={SECRET}#{SECRET}": "postgresql://db/claims?sslpassword=***",
    f"https://b.s3.example/k?X-Amz-Algorithm=A&X-Amz-Credential={SECRET}%2F1&X-Amz-Security-Token={SECRET}&X-Amz-Signature={SECRET}":
        "https://b.s3.example/k?X-Amz-Algorithm=A&X-Amz-Credential=***&X-Amz-Security-Token=***&X-Amz-Signature=***",
    f"https://b.s3.example/k?AWSAccessKeyId={SECRET}&Signature={SECRET}&Expires=1":
        "https://b.s3.example/k?AWSAccessKeyId=***&Signature=***&Expires=1",
    f"https://x.example/k?se=2026&sig={SECRET}": "https://x.example/k?se=2026&sig=***",
    f"http://h/x?access%5Ftoken={SECRET}": "http://h/x?access%5Ftoken=***",
    f"Max retries exceeded with url: /x?token={SECRET} (refused)": "Max retries exceeded with url: /x?token=*** (refused)",
    f"no http://a:{SECRET}@b:1/x and no http://c:{SECRET}@d": "no http://a:***@b:1/x and no http://c:***@d",
}  # fmt: skip
PLAIN = (
    "http://127.0.0.1:5000 does not answer, write to a@b.example",
    "http://127.0.0.1:5000/x?mail=a@b.example",
    "http://[::1]:5000/x@y",
    "http://host:9.",
    "(http://host:9), write to a@b.example",
    "postgresql://gauntlet@127.0.0.1/claims?host=/run/pg",
    "sqlite:////srv/claims.db",
    "s3://bucket/key:1@2",
    "expected postgresql://…, saw a=b",
    "https://h/x?page=2&author=x",
)


@pytest.mark.parametrize("address", CASES)
def test_what_opens_a_door_is_masked(address: str) -> None:
    """In an address alone and in the middle of a sentence; twice is once."""
    assert masked(address) == CASES[address]
    assert SECRET not in masked(f"asked at {address}, in vain")
    assert masked(masked(address)) == masked(address)
    assert SECRET not in without_login(address)
    assert "***" not in without_login(address)


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text: str) -> None:
    """A port, an address of mail, a path, a user's name at a database."""
    assert masked(text) == text


def test_an_address_of_a_page_has_no_login() -> None:
    """And can still be opened."""
    assert without_login(f"https://u:{SECRET}@h:1/x?token={SECRET}&page=2") == "https://h:1/x?page=2"
    assert without_login("http://h:1/x?page=2") == "http://h:1/x?page=2"


@pytest.mark.parametrize("most", range(10, 60))
def test_what_is_cut_is_masked_before(most: int) -> None:
    """Half an address no longer looks like one."""
    line = one_line(f"refused:\n http://plant:{SECRET}@mlflow.example", most)
    assert len(line) <= most
    assert SECRET[:3] not in line


def test_no_error_of_ours_says_a_password() -> None:
    """Whichever of its parts had the address."""
    address = f"http://plant:{SECRET}@h:1/?token={SECRET}"
    errors = [
        ServiceDown(address, address, address, address),
        BadInput(address, address, saw=address, expected=address, do=address),
        GauntletError(f"x {address}"),
    ]
    for error in (*errors, *(pickle.loads(pickle.dumps(one)) for one in errors[2:])):
        assert SECRET not in str(error)
        assert "plant:***@h:1" in str(error)
    assert errors[0].url == "http://plant:***@h:1/?token=***"  # type: ignore[attr-defined]


def test_a_cause_that_would_show_it_is_left_out() -> None:
    """Prefect logs an error with all that it came from."""
    inner = ValueError(f"http://plant:{SECRET}@h")
    outer = ValueError("went wrong")
    assert safe_cause(outer) is outer
    outer.__cause__ = inner
    assert safe_cause(outer) is None
    assert safe_cause(inner) is None
