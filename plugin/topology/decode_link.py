"""One `m.space.child` event to a `Link` (client-server API, section 11.34.1).

Apart from decode.py because there are as many of these as chats. What somebody else than the bot
put under the mirror's key is no mirror; which links count is decided in the planner.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from .contents import decode_binding, is_from_elsewhere, is_usable_via
from .model import BINDING_TYPE, Identity
from .snapshot import Link

if TYPE_CHECKING:
    from mautrix.types import RoomID


def decode_link(space_id: RoomID, event: Mapping[str, Any], identity: Identity) -> Link | None:
    """What a Space says of one room.

    Args:
        space_id: the Space.
        event: the event, whose sender, state key and content have the right types.
        identity: the bot and its instance.

    Returns:
        The link; None if its `via` makes no sense. Never raises.
    """
    content, mirror, partial = event["content"], None, None
    via = content.get("via")
    if via is not None and not is_usable_via(via):
        return None
    raw = content.get(BINDING_TYPE) if event["sender"] == identity.bot else None
    of_another = isinstance(raw, dict) and is_from_elsewhere(raw, identity)
    if isinstance(raw, dict) and not of_another:
        mirror, partial = decode_binding(raw)
    others = {key: content[key] for key in content if key not in ("via", BINDING_TYPE)}
    child, via = event["state_key"], tuple(via or ())
    return Link(space_id, child, event["sender"], via, mirror, others, partial, of_another)


def are_of_another(links: Collection[Link]) -> bool:
    """Whether a Space that does not say so itself is another instance's: that one mirrors chats in
    these links of it, and this one none."""
    own = (link.mirror or link.partial for link in links)
    return any(link.of_another for link in links) and not any(one is not None for one in own)
