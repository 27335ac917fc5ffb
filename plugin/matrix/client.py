"""Everything that can be done with the homeserver, put together for one plugin object.

All parts share one patient API client: what the homeserver says to one holds for the others.
"""

from __future__ import annotations

import attr
from maubot.matrix import MaubotMatrixClient

from ..topology.model import Identity
from .api import RetryingAPI
from .lookups import Lookups
from .reader import Reader
from .retry import RequestPolicies
from .sender import Sender
from .timeline import Timeline
from .writer import Writer


@attr.frozen
class Matrix:
    """The bot's hands and eyes in Matrix."""

    identity: Identity
    api: RetryingAPI
    reader: Reader
    lookups: Lookups
    writer: Writer
    sender: Sender
    timeline: Timeline


def connect(
    client: MaubotMatrixClient, identity: Identity, policies: RequestPolicies, straggler: float
) -> Matrix:
    """Talk to the homeserver as maubot's client does.

    Args:
        client: maubot's client: its homeserver, its access token, its encryption.
        identity: the bot and the instance in whose name rooms are read and made.
        policies: what each kind of request may cost.
        straggler: seconds without any answer after which a look at rooms gives up the rest.
    """
    api = RetryingAPI(client.api, policies)
    return Matrix(
        identity=identity,
        api=api,
        reader=Reader(api, identity, straggler),
        lookups=Lookups(api, identity.bot),
        writer=Writer(api),
        sender=Sender(client, api, identity.instance),
        timeline=Timeline(client, api, identity.instance),
    )
