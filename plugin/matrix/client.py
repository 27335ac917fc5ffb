"""Everything that can be done with the homeserver, put together for one plugin object.

All parts share one API client, so that a limit that the homeserver tells one of them holds for
the others.
"""

from __future__ import annotations

import attr
from maubot.matrix import MaubotMatrixClient

from ..topology.model import Identity
from .account_data import AccountData
from .answers import Answers
from .api import RetryingAPI
from .lookups import Lookups
from .reader import Reader
from .render import Renderer, RenderLimits
from .retry import RequestPolicies
from .room_messages import LastMessages, RoomMessages
from .room_pages import RoomPages
from .sender import Sender
from .timeline import Timeline
from .writer import Writer


@attr.frozen
class Matrix:
    """What the bot reads and writes Matrix with.

    Attributes:
        renderer: gives messages their looks; closed when nothing more is to be said.
        last: what was written last in each room.
    """

    identity: Identity
    api: RetryingAPI
    account_data: AccountData
    reader: Reader
    lookups: Lookups
    writer: Writer
    renderer: Renderer
    last: LastMessages
    sender: Sender
    answers: Answers
    timeline: Timeline


def connect(
    client: MaubotMatrixClient, identity: Identity, policies: RequestPolicies, straggler: float
) -> Matrix:
    """Talk to the homeserver as maubot's client does.

    Args:
        client: maubot's client: its homeserver, its access token, its encryption.
        identity: the bot and the instance in whose name rooms are read and made.
        policies: what each kind of request may cost.
        straggler: seconds without any answer after which rooms being read count as unread, and
            names as unknown.
    """
    api = RetryingAPI(client.api, policies)
    account_data = AccountData(api, identity)
    renderer = Renderer(RenderLimits())
    messages = RoomMessages(client, api, identity.instance)
    timeline = Timeline(RoomPages(client, api), identity.bot, identity.instance)
    return Matrix(
        identity=identity,
        api=api,
        account_data=account_data,
        reader=Reader(api, account_data, straggler),
        lookups=Lookups(api, identity.bot, moment=straggler),
        writer=Writer(api),
        renderer=renderer,
        last=messages.last,
        sender=Sender(messages, renderer),
        answers=Answers(messages, renderer, timeline),
        timeline=timeline,
    )
