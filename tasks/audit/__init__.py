"""The audit: what makes a result worthless, named by its cause, before it is trained on and before it is stated."""

from tasks.audit.findings import Finding

__all__ = ["Finding"]
