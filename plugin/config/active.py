"""What the configuration came to: the settings in force, their problems, the platforms built.

It is replaced whole when the configuration changes, so nobody ever sees half of one. A platform
whose settings did not change is kept, with whatever it is doing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attr
from mautrix.types import UserID

from ..errors import UserError
from ..platforms import registry
from ..platforms.protocol import Platform
from ..topology.contents import server_of
from .permissions import Level

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from .settings import Settings


@attr.frozen
class ActiveConfig:
    """The configuration in force.

    Attributes:
        settings: what is in force, checked.
        problems: what is wrong with the configuration as it is written, a line each.
        platforms: the platforms that could be set up, by name.
        bot: the bot's user id.
    """

    settings: Settings
    problems: tuple[str, ...]
    platforms: Mapping[str, Platform]
    bot: UserID

    def level_of(self, user_id: UserID) -> Level:
        """What a user may do."""
        return self.settings.level_of(user_id, server_of(self.bot))

    def platform(self, name: str) -> Platform:
        """The platform of this name.

        Raises:
            UserError: there is none; the chats that are bound to it wait for it.
        """
        try:
            return self.platforms[name]
        except KeyError:
            raise UserError(
                f"The platform `{name}` is not set up at the moment, so nobody can answer here. "
                "Your administrator can see why with `!status`."
            ) from None


class CurrentConfig:
    """Holds the configuration in force; one assignment changes all of it.

    Whoever keeps this reads what is in force now; whoever keeps something out of it may find
    that it was replaced since.
    """

    def __init__(self, active: ActiveConfig) -> None:
        self.active = active

    @property
    def settings(self) -> Settings:
        """What is in force, checked."""
        return self.active.settings

    @property
    def bot(self) -> UserID:
        """The bot's user id."""
        return self.active.bot

    def level_of(self, user_id: UserID) -> Level:
        """What a user may do."""
        return self.active.level_of(user_id)

    def platform(self, name: str) -> Platform:
        """The platform of this name.

        Raises:
            UserError: there is none; the chats that are bound to it wait for it.
        """
        return self.active.platform(name)


def activate(
    settings: Settings,
    problems: tuple[str, ...],
    http: ClientSession,
    before: ActiveConfig | None = None,
    *,
    bot: UserID,
) -> ActiveConfig:
    """Build the platforms of these settings; those that did not change are taken over."""
    platforms = {}
    for name, wanted in settings.platforms.items():
        kept = before is not None and before.settings.platforms.get(name) == wanted
        platforms[name] = (
            before.platforms[name] if before and kept else registry.build(wanted, http)
        )
    return ActiveConfig(settings, problems, platforms, bot)
