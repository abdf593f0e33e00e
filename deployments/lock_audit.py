"""Which of the locked packages have known weaknesses, as the database of OSV knows them: `gauntlet audit-lock`.

    every package and version ─> one query, page by page ─> advisories by id ─> what each is, and which version mends it

No answer, or half of one, is no pass: it is said, and has an exit status of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from gauntlet.datasets.errors import NotAudited

ECOSYSTEM = "PyPI"
AT_ONCE = 1_000  # queries in one call, which is OSV's limit
TIMEOUT_S = 30
Pins = Mapping[str, Sequence[Version]]


@dataclass(frozen=True, order=True)
class Finding:
    """A known weakness of a locked package. `fixed`: the first version above it that has not got it; "" where none is known."""

    package: str
    version: Version
    advisory: str
    aliases: tuple[str, ...]
    fixed: str
    summary: str

    def line(self) -> str:
        """The line that a user sees."""
        names = " ".join((self.advisory, *(f"({alias})" for alias in self.aliases)))
        mended = f"fixed in {self.fixed}" if self.fixed else "no fixed version known"
        return "  ".join(filter(None, (f"{self.package} {self.version}", names, mended, self.summary)))


def audit(pins: Pins, url: str) -> list[Finding]:
    """Every known weakness of these versions, by package; `url` is OSV's API, such as `https://api.osv.dev`.

    Raises:
        NotAudited: it does not answer, or not as it should.
    """
    pairs = [(name, version) for name, versions in sorted(pins.items()) for version in versions]
    address = url.rstrip("/")
    try:
        with requests.Session() as session:
            found: set[tuple[str, Version, str]] = set()
            for start in range(0, len(pairs), AT_ONCE):
                found |= set(_advisories(session, address, pairs[start : start + AT_ONCE]))
            known = {name: _details(session, address, name) for name in sorted({advisory for *_, advisory in found})}
        every = [_finding(name, version, known[advisory]) for name, version, advisory in found]
    except (KeyError, TypeError, AttributeError):
        raise NotAudited(f"{address} did not answer as OSV does") from None
    return sorted(finding for finding in every if "withdrawn" not in known[finding.advisory])


def _advisories(
    session: requests.Session, url: str, pairs: Sequence[tuple[str, Version]]
) -> Iterable[tuple[str, Version, str]]:
    """(package, version, advisory's id) of all pages."""
    asked = [(pair, "") for pair in pairs]
    while asked:
        queries = [
            {"package": {"name": name, "ecosystem": ECOSYSTEM}, "version": str(version)}
            | ({"page_token": page} if page else {})
            for (name, version), page in asked
        ]
        results = _answer(session, "POST", f"{url}/v1/querybatch", {"queries": queries}).get("results")
        if not isinstance(results, list) or len(results) != len(asked):
            raise NotAudited(f"{url} did not answer for each of {len(asked)} packages")
        further = []
        for (pair, _), result in zip(asked, results, strict=True):
            for one in (result or {}).get("vulns", []):
                yield (*pair, str(one["id"]))
            if page := (result or {}).get("next_page_token"):
                further.append((pair, str(page)))
        asked = further


def _details(session: requests.Session, url: str, advisory: str) -> dict[str, Any]:
    return _answer(session, "GET", f"{url}/v1/vulns/{quote(advisory, safe='')}")


def _answer(session: requests.Session, method: str, url: str, body: Any = None) -> dict[str, Any]:
    try:
        answer = session.request(method, url, json=body, timeout=TIMEOUT_S)
        document = answer.json() if answer.ok else None
    except (requests.RequestException, ValueError) as error:
        raise NotAudited(f"no answer from {url} ({type(error).__name__})") from None
    if not answer.ok:
        raise NotAudited(f"{url} answered {answer.status_code}")
    if not isinstance(document, dict):
        raise NotAudited(f"{url} did not answer as OSV does")
    return document


def _finding(package: str, version: Version, advisory: Mapping[str, Any]) -> Finding:
    return Finding(
        package=package,
        version=version,
        advisory=str(advisory["id"]),
        aliases=tuple(sorted(str(alias) for alias in advisory.get("aliases", []))),
        fixed=_fixed(package, version, advisory),
        summary=" ".join(str(advisory.get("summary", "")).split()),
    )


def _fixed(package: str, version: Version, advisory: Mapping[str, Any]) -> str:
    """The lowest version above ours with which a range of this package ends."""
    events = (
        event
        for affected in advisory.get("affected", [])
        if canonicalize_name(str(affected.get("package", {}).get("name", ""))) == canonicalize_name(package)
        for one in affected.get("ranges", [])
        if one.get("type") == "ECOSYSTEM"
        for event in one.get("events", [])
    )
    above = []
    for event in events:
        try:
            if "fixed" in event and (fixed := Version(str(event["fixed"]))) > version:
                above.append(fixed)
        except InvalidVersion:
            continue
    return str(min(above)) if above else ""
