"""What somebody wrote into the configuration, checked key by key: Settings, and the problems.

A wrong key costs itself alone: it keeps the value it had, and a sentence says what is wrong.
Nothing here may raise for what somebody wrote, and nothing may touch YAML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import attr

from ..fields import Fields, describe
from ..platforms.protocol import PlatformSettings
from . import values
from .permissions import Level, parse_permissions
from .problems import ConfigProblem, Problems
from .settings import DEFAULTS, NOTIFICATIONS, Settings

Value = TypeVar("Value")

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "names": ("space", "chat"),
    "startup": ("wait",),
    "catch_up": ("max_age",),
    "streaming": ("enabled", "notify"),
}
KEYS = (*SECTIONS, "permissions", "room_version", "instance_key", "default_platform", "platforms")


def parse_settings(
    raw: object, fallback: Settings = DEFAULTS
) -> tuple[Settings, tuple[ConfigProblem, ...]]:
    """Check a whole configuration; never raises.

    A missing key has its default. A wrong one keeps its value in `fallback` and adds a sentence
    to the problems, which names the key in dotted form, what was found and what is expected. A
    key that nobody knows may be the missing one, misspelt: then each that is missing keeps its
    value in `fallback`, too.
    """
    if not isinstance(raw, Mapping):
        found = describe(raw)
        sentence = f"the configuration: found {found}, expected keys and values"
        return fallback, (ConfigProblem(sentence, fatal=True),)
    reading = _Reading(Fields(raw, ""), fallback)
    return reading.finish(), tuple(reading.problems.found)


@attr.define
class _Reading:
    """One pass over a configuration, which collects the problems as it goes."""

    top: Fields
    fallback: Settings
    problems: Problems = attr.Factory(Problems)
    # What is missing has its value in here.
    missing: Settings = DEFAULTS

    def finish(self) -> Settings:
        """Everything, in the order in which base-config.yaml has it."""
        top, old, take = self.top, self.fallback, self._take
        self.problems.add_all(top.unknown(KEYS))
        names = self._section("names", {"space": old.space_name, "chat": old.chat_name})
        startup = self._section("startup", {"wait": old.startup_wait})
        catch_up = self._section("catch_up", {"max_age": old.catch_up_max_age})
        streaming = self._section(
            "streaming", {"enabled": old.streaming_enabled, "notify": old.streaming_notify}
        )
        self.missing = missing = old if self.problems.found else DEFAULTS
        return Settings(
            permissions=self._permissions(),
            space_name=take(partial(values.read_space_name, names, missing), old.space_name),
            chat_name=take(partial(values.read_chat_name, names, missing), old.chat_name),
            room_version=take(partial(values.read_room_version, top, missing), old.room_version),
            startup_wait=take(
                partial(startup.number, "wait", missing.startup_wait), old.startup_wait
            ),
            catch_up_max_age=take(
                partial(catch_up.number, "max_age", missing.catch_up_max_age),
                old.catch_up_max_age,
            ),
            streaming_enabled=take(
                partial(streaming.flag, "enabled", missing.streaming_enabled),
                old.streaming_enabled,
            ),
            streaming_notify=take(
                partial(streaming.choice, "notify", missing.streaming_notify, NOTIFICATIONS),
                old.streaming_notify,
            ),
            instance_key=take(
                partial(values.read_instance_key, top, missing), old.instance_key, fatal=True
            ),
            default_platform=take(
                partial(values.read_default_platform, top, missing), old.default_platform
            ),
            platforms=self._platforms(),
        )

    def _take(self, read: Callable[[], Value], otherwise: Value, *, fatal: bool = False) -> Value:
        try:
            return read()
        except ValueError as problem:
            self.problems.add(ConfigProblem(str(problem), fatal))
            return otherwise

    def _section(self, name: str, otherwise: Mapping[str, object]) -> Fields:
        section = self._take(partial(self.top.section, name), Fields(otherwise, name))
        self.problems.add_all(section.unknown(SECTIONS[name]))
        return section

    def _whole(self, name: str, *, fatal: bool = False) -> Fields | None:
        return self._take(partial(self.top.section, name), None, fatal=fatal)

    def _permissions(self) -> Mapping[str, Level]:
        if "permissions" not in self.top.raw:
            return self.missing.permissions
        section = self._whole("permissions", fatal=True)
        if section is None:
            return self.fallback.permissions
        permissions, problems = parse_permissions(section.raw, self.fallback.permissions)
        self.problems.add_all(problems)
        return permissions

    def _platforms(self) -> Mapping[str, PlatformSettings]:
        if "platforms" not in self.top.raw:
            return self.missing.platforms
        section = self._whole("platforms")
        if section is None:
            return self.fallback.platforms
        platforms: dict[str, PlatformSettings] = {}
        for name in section.raw:
            old = self.fallback.platforms.get(name)
            platform = self._take(partial(values.read_platform, section, name), old)
            if platform is not None:
                platforms[name] = platform
        return platforms
