"""Addresses as they may be shown: printed, logged, raised and stored without the passwords and tokens that they hold.

postgresql://plant:secret@db/claims?sslpassword=secret    ─>   postgresql://plant:***@db/claims?sslpassword=***
https://bucket.s3/x?X-Amz-Credential=AK&X-Amz-Signature=1f   ─>   https://bucket.s3/x?X-Amz-Credential=***&X-Amz-Signature=***
"""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "***"
# A password may hold what should have been quoted, such as a slash or a space; digits up to a slash or the end of a word
# are a port, and a bracket begins an IPv6 address.
_LOGIN = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.\-]*://)(?:(?P<user>[^\s/?#@:\[]*):(?!\d+(?:[/?#]|[,;.)\]}'\"]*(?:\s|$)))(?P<password>[^@\n]*)"
    r"|(?P<token>[^\s/?#@:\[]+))@(?:[^\s/?#@]*@)*",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"(?P<name>[?&;][^\s=&?#;]+)=(?P<value>[^&\s]*)")
_SECRET = re.compile(r"pass|pwd|secret|token|signature|credential|api.?key|access.?key|authorization", re.IGNORECASE)
_SECRETS = {"sig", "key", "auth", "sid"}


def masked(text: str) -> str:
    """The text, in which the passwords, tokens and signatures of every address are stars.

    Of what stands before an `@` the user's name stays where a password follows it; alone it may be a token, and stays for
    databases only. Of a query the values stay whose names speak of no secret.
    """
    return _PARAMETER.sub(_parameter, _LOGIN.sub(_login, text)) if "://" in text or "=" in text else text


def _login(match: re.Match[str]) -> str:
    if match["token"] is None:
        return f"{match['scheme']}{match['user']}:{HIDDEN}@"
    return match[0] if not match["scheme"].lower().startswith("http") else f"{match['scheme']}{HIDDEN}@"


def _parameter(match: re.Match[str]) -> str:
    name = unquote(match["name"])[1:]
    is_secret = _SECRET.search(name) is not None or name.lower() in _SECRETS
    return f"{match['name']}={HIDDEN}" if is_secret and match["value"] else match[0]


def without_login(address: str) -> str:
    """The address that a page's link or a setting in Prefect may hold: no user, no password, no secret of its query."""
    bare = _LOGIN.sub(lambda match: match["scheme"], address)
    kept = _PARAMETER.sub(lambda match: "" if _parameter(match) != match[0] else match[0], bare)
    return kept if "?" in kept else kept.replace("&", "?", 1)


def one_line(error: object, most: int = 200) -> str:
    """What an error says, masked before it is cut: the half of an address could no longer be told from a word."""
    return " ".join(masked(str(error)).split())[:most]


def safe_cause(error: BaseException) -> BaseException | None:
    """The error, to be told as a cause; None where it or what it came from would show what `masked` hides."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if masked(str(link)) != str(link):
            return None
        link = link.__cause__ or link.__context__
    return error
