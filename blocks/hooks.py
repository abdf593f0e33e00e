"""The secret that callers of the webhook sign with."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr


class WebhookSecret(Block):
    """Shared secret of the Standard Webhooks signature."""

    _block_type_name = "Gauntlet Webhook Secret"
    _block_type_slug = "gauntlet-webhook-secret"
    _description = "Secret that calls of the retraining webhook are signed with."

    secret: SecretStr = Field(description="whsec_ and base64 of 24 to 64 random bytes.")
