"""The configuration as a frozen value: what it says, and what holds where it says nothing.

The defaults stand here as well as in base-config.yaml because maubot's standalone mode never
reads that file. What somebody wrote becomes Settings in parsing.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attr

from ..platforms.echo import EchoSettings
from ..platforms.protocol import PlatformSettings
from .permissions import LOCAL, Level
from .templates import make_chat_title, make_space_title

if TYPE_CHECKING:
    from mautrix.types import UserID

# People are notified of an answer's first words; or of its end too, if that takes long.
NOTIFICATIONS = NOTIFY_FIRST, NOTIFY_FINAL = "first", "final"


@attr.frozen
class Settings:
    """What the configuration says: everything in here can be relied on.

    `startup_wait` is in seconds, `catch_up_max_age` in hours; `streaming_notify` is one of
    NOTIFICATIONS; an empty `room_version` means the homeserver's default and an empty
    `instance_key` the maubot instance's id. `default_platform` may name a platform that is missing
    from `platforms` because its entry is wrong: a chat, once bound, stays bound, so no other
    platform is put in its place.
    """

    permissions: Mapping[str, Level]
    space_name: str
    chat_name: str
    room_version: str
    startup_wait: float
    catch_up_max_age: float
    streaming_enabled: bool
    streaming_notify: str
    platforms: Mapping[str, PlatformSettings]
    default_platform: str
    instance_key: str

    def space_title(self, user_id: UserID, displayname: str | None) -> str:
        """The name of somebody's Space; without a display name the localpart stands in."""
        return make_space_title(self.space_name, user_id, displayname)

    def chat_title(self, number: int, user_id: UserID, displayname: str | None) -> str:
        """The name of somebody's chat number `number` when it was given no title."""
        return make_chat_title(self.chat_name, number, user_id, displayname)


DEFAULTS = Settings(
    permissions={LOCAL: Level.USER},
    space_name="{displayname}'s chats",
    chat_name="Chat {number}",
    room_version="",
    startup_wait=10.0,
    catch_up_max_age=24.0,
    streaming_enabled=True,
    streaming_notify=NOTIFY_FIRST,
    platforms={"echo": EchoSettings()},
    default_platform="echo",
    instance_key="",
)
