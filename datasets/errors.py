"""Every error that Gauntlet raises on purpose.

    GauntletError                     exit status 1: the gauntlet failed
    ├── BadInput                      exit status 2: a call, a file, a row or a column is not what was expected
    │   ├── TooManyBadFiles           the share of quarantined files is past the limit
    │   └── WrongHash                 a downloaded file is not the published one
    ├── Leak                          the audit found what makes a result worthless
    ├── ServiceDown                   S3, MLflow or Prefect does not answer
    ├── NotPromotable                 a version that may never become champion was asked to
    ├── NotAudited                    exit status 3: nobody answered whether the locked packages have known weaknesses
    ├── StaleClaim                    the right to this work has passed to another, or has expired
    └── Untrusted                     a model that must not be deserialised
        ├── Unsigned                  no signature, or one by another key
        ├── Altered                   bytes differ from what was signed
        └── UnknownType               a type that is not on the project's own list
            └── FormerType            one of another version of Gauntlet: register the model anew

A message is one line: what, where, what was expected, what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gauntlet.datasets.address import masked


class GauntletError(Exception):
    """Something that a user can act on; `str()` is the one line to show, in which no address has a password."""

    exit_status = 1

    def __init__(self, *parts: object) -> None:
        super().__init__(*(masked(part) if isinstance(part, str) else part for part in parts))


class BadInput(GauntletError):
    """A call or its input is wrong: `BadInput(file, "column Torque [Nm]", saw=…, expected=…, do=…)`."""

    exit_status = 2

    def __init__(
        self,
        file: Path | str | None,
        what: str,
        *,
        row: int | None = None,
        column: str | None = None,
        saw: str | None = None,
        expected: str | None = None,
        do: str | None = None,
    ) -> None:
        self.file, self.row, self.column = (Path(file) if file is not None else None), row, column
        self.expected, self.do = expected, do
        place = [str(file)] if file is not None else []
        place += [f"line {row}"] if row is not None else []
        place += [f"column {column!r}"] if column is not None else []
        line = f"{', '.join(place)}: {what}" if place else what
        line += f", saw {saw}" if saw else ""
        line += f"; expected {expected}" if expected else ""
        line += f". {do[0].upper()}{do[1:]}." if do else "."
        super().__init__(" ".join(line.split()))


class TooManyBadFiles(BadInput):
    """More files were quarantined than the limit allows; `quarantined` lists (file, reason)."""

    def __init__(self, folder: Path | str, quarantined: Sequence[tuple[str, str]], files: int, limit: float) -> None:
        self.quarantined = tuple(quarantined)
        first = "; ".join(f"{file}: {reason}" for file, reason in self.quarantined[:3])
        more = f" and {len(self.quarantined) - 3} more" if len(self.quarantined) > 3 else ""
        super().__init__(
            folder,
            f"{len(self.quarantined)} of {files} files cannot be used ({first}{more})",
            expected=f"at most {limit:.0%}",
            do="mend or remove these files",
        )


class WrongHash(BadInput):
    """A file's hash differs from the published one; the message names both."""

    def __init__(self, file: Path | str, saw: str, expected: str, kind: str = "sha256") -> None:
        super().__init__(
            file,
            "the download is not the published file",
            saw=f"{kind} {saw}",
            expected=f"{kind} {expected}",
            do="remove it and fetch it again; if it stays so, the publisher changed the file",
        )


class Leak(GauntletError):
    """The audit's findings, each `kind: detail`, when the caller did not allow them."""

    def __init__(self, findings: Sequence[object]) -> None:
        self.findings = tuple(findings)
        lines = "; ".join(str(finding) for finding in self.findings)
        super().__init__(
            f"the audit stopped the run: {lines}. "
            "Remove the cause, or pass --allow-leakage to see the result marked as leaked."
        )


class ServiceDown(GauntletError):
    """A server that the run needs does not answer."""

    def __init__(self, service: str, url: str, why: str, do: str = "run `gauntlet status`") -> None:
        self.service, self.url = service, masked(url)
        super().__init__(" ".join(f"{service} at {url} does not answer ({why}). {do[0].upper()}{do[1:]}.".split()))


class NotPromotable(GauntletError):
    """A leaked, unverified or incomplete version was asked to become champion."""


class NotAudited(GauntletError):
    """Nobody answered, or not in full: whether the locked packages have known weaknesses is not known, which is no pass."""

    exit_status = 3

    def __init__(self, why: str) -> None:
        super().__init__(f"not audited: {why}")


class StaleClaim(GauntletError):
    """The holder of a claim may not act any more: it expired, or another has a larger token."""


class Untrusted(GauntletError):
    """A model whose bytes or types must not be deserialised."""


class Unsigned(Untrusted):
    """No signature beside the model, or one that our key does not confirm."""


class Altered(Untrusted):
    """The model's files are not those that were signed."""


class UnknownType(Untrusted):
    """The model holds a type that the project's own list of trusted types lacks."""


class FormerType(UnknownType):
    """The model holds a type of ours that this version of Gauntlet does not have: it has to be registered anew."""
