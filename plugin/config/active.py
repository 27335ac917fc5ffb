"""What the configuration came to: the settings in force, their problems, the platforms built.

It is replaced whole when the configuration changes, so nobody ever sees half of one. A platform
whose settings did not change is kept, with whatever it is doing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attr
from mautrix.types import UserID

from ..errors import UserError
from ..platforms import registry
from ..platforms.failures import explain_missing
from ..platforms.protocol import Platform
from ..topology.contents import server_of
from .file import DEFAULTS, Config, ConfigProblem, Settings, read_settings
from .permissions import Level, find_level

if TYPE_CHECKING:
    from aiohttp import ClientSession


@attr.frozen
class ActiveConfig:
    """The configuration in force.

    Attributes:
        settings: what is in force, checked.
        problems: what is wrong with the configuration as it is written, a line each.
        platforms: the platforms that could be set up, by name.
    """

    settings: Settings
    problems: tuple[ConfigProblem, ...]
    platforms: Mapping[str, Platform]


class CurrentConfig:
    """Holds the configuration in force; one assignment changes all of it.

    Whoever keeps this reads what is in force now; whoever keeps something out of it may find
    that it was replaced since.
    """

    def __init__(self, bot: UserID, http: ClientSession, log: logging.Logger) -> None:
        """
        Args:
            bot: the bot's user id; on its homeserver users are `local`.
            http: what platforms are reached with.
            log: gets a line for every mistake.
        """
        self.bot = bot
        self.http = http
        self.log = log
        self._own_server = server_of(bot)
        self.active = ActiveConfig(DEFAULTS, (), {})

    def load(self, written: Config) -> bool:
        """Put in force what is right, at a start and when it was saved, by one rule: what is
        wrong keeps the value that it had, at a start its default.

        Args:
            written: the configuration as maubot keeps it.

        Returns:
            Whether anybody may be served with it, if nobody was before.
        """
        before = self.active
        settings, problems = self._read(written, before.settings)
        platforms = {
            name: before.platforms[name]
            if name in before.platforms and before.settings.platforms.get(name) == wanted
            else registry.build(wanted, self.http)
            for name, wanted in settings.platforms.items()
        }
        self.active = ActiveConfig(settings, problems, platforms)
        return not any(problem.fatal for problem in problems)

    def report(self) -> None:
        """Say in the log what is in force."""
        settings, mistakes = self.settings, len(self.active.problems)
        name = settings.default_platform
        platform = settings.platforms.get(name)
        what = "which is not set up" if platform is None else registry.name_of(platform)
        but = f", but for {mistakes} mistake{'s' * (mistakes > 1)}" if mistakes else ""
        self.log.info("Configuration in force%s: new chats use %s (%s)", but, name, what)

    @property
    def settings(self) -> Settings:
        """What is in force, checked."""
        return self.active.settings

    def level_of(self, user_id: UserID) -> Level:
        """What a user may do."""
        return find_level(self.active.settings.permissions, user_id, self._own_server)

    def platform(self, name: str) -> Platform:
        """The platform of this name.

        Raises:
            UserError: there is none; the chats that are bound to it wait for it.
        """
        try:
            return self.active.platforms[name]
        except KeyError:
            raise UserError(explain_missing(name).sentence) from None

    def _read(
        self, written: Config, fallback: Settings
    ) -> tuple[Settings, tuple[ConfigProblem, ...]]:
        settings, problems = read_settings(written, fallback)
        for problem in problems:
            self.log.error("The configuration is wrong: %s", problem)
        if not problems:
            # Brings in what is missing, comments too, for whoever opens it next.
            written.update()
        return settings, problems
