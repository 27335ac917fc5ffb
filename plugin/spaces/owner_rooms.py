"""What somebody has: their Space and the chats in it, made in provision.py."""

from __future__ import annotations

import attr

from ..topology.model import Chat, Space


@attr.frozen
class OwnerRooms:
    """An owner's Space and the chats in it."""

    space: Space
    chats: list[Chat]
