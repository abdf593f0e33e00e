"""Who is told."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field, SecretStr


class AlertChannel(Block):
    """A chat channel's incoming webhook, in Slack's format, which Mattermost, Rocket.Chat and Teams relays also take."""

    _block_type_name = "Gauntlet Alert Channel"
    _block_type_slug = "gauntlet-alert-channel"
    _description = "Incoming webhook that is told of drift, retraining, promotion and failure."

    enabled: bool = Field(False, description="Off by default; nothing is sent anywhere.")
    url: SecretStr | None = Field(
        None, description="Address of the incoming webhook; a secret, since it lets anyone post."
    )
    timeout_s: float = Field(
        5.0, gt=0, description="Seconds to wait for the channel; a failing alert never fails a run."
    )
