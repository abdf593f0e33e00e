"""`gauntlet lock-images` and `audit-lock`: where what is built and installed comes from, and what is known against it."""

from __future__ import annotations

import typer

from gauntlet.tasks.runtime.settings import settings


def register(app: typer.Typer) -> None:
    """Add the verbs `lock-images` and `audit-lock`."""
    for verb in (lock_images, audit_lock):
        app.command()(verb)


def lock_images() -> None:
    """Write the digest of each image into compose file and Dockerfile, as its registry answers; all of them or none."""
    from gauntlet.deployments.image_digests import lock_images as lock

    for line in lock(registry=settings().image_registry):
        print(line)


def audit_lock() -> None:
    """Ask which locked packages have known weaknesses; exit status 0 none, 1 some, 3 nobody answered, which is no pass."""
    from gauntlet.deployments.lock import pinned
    from gauntlet.deployments.lock_audit import audit

    pins = pinned()
    findings = audit(pins, settings().osv_url)
    for finding in findings:
        print(finding.line())
    if findings:
        raise typer.Exit(1)
    print(f"audited: no known weakness in {sum(map(len, pins.values()))} locked versions of {len(pins)} packages")
