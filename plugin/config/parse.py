"""What somebody wrote into the configuration, checked key by key: Settings, and the problems.

A wrong key costs itself alone: it keeps the value it had, and a sentence says what is wrong.
Nothing here may raise for what somebody wrote, and nothing may touch YAML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import attr

from ..fields import Fields, describe, suggest
from ..platforms import registry
from ..platforms.protocol import PlatformSettings
from .permissions import Level, parse_permissions
from .problems import ConfigProblem, Problems
from .settings import DEFAULTS, Settings
from .templates import CHAT_PLACEHOLDERS, SPACE_PLACEHOLDERS, check_template

Value = TypeVar("Value")

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "names": ("space", "chat"),
    "startup": ("wait",),
    "catch_up": ("max_age",),
}
KEYS = (*SECTIONS, "permissions", "room_version", "instance_key", "default_platform", "platforms")

# Room version grammar: https://spec.matrix.org/v1.11/rooms/
_ROOM_VERSION = re.compile(r"[A-Za-z0-9.-]{0,32}")


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
        top, old = self.top, self.fallback
        self.problems.add_all(top.unknown(KEYS))
        names = self._section("names", {"space": old.space_name, "chat": old.chat_name})
        startup = self._section("startup", {"wait": old.startup_wait})
        catch_up = self._section("catch_up", {"max_age": old.catch_up_max_age})
        self.missing = missing = old if self.problems.found else DEFAULTS
        return Settings(
            permissions=self._permissions(),
            space_name=self._take(partial(_read_space_name, names, missing), old.space_name),
            chat_name=self._take(partial(_read_chat_name, names, missing), old.chat_name),
            room_version=self._take(partial(_read_room_version, top, missing), old.room_version),
            startup_wait=self._take(
                partial(startup.number, "wait", missing.startup_wait), old.startup_wait
            ),
            catch_up_max_age=self._take(
                partial(catch_up.number, "max_age", missing.catch_up_max_age),
                old.catch_up_max_age,
            ),
            instance_key=self._take(
                partial(_read_instance_key, top, missing), old.instance_key, fatal=True
            ),
            default_platform=self._take(
                partial(_read_default_platform, top, missing), old.default_platform
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
            platform = self._take(partial(_read_platform, section, name), old)
            if platform is not None:
                platforms[name] = platform
        return platforms


def _read_space_name(names: Fields, missing: Settings) -> str:
    template = names.text("space", missing.space_name)
    return check_template(template, SPACE_PLACEHOLDERS, names.key("space"))


def _read_chat_name(names: Fields, missing: Settings) -> str:
    template = names.text("chat", missing.chat_name)
    return check_template(template, CHAT_PLACEHOLDERS, names.key("chat"))


def _read_room_version(top: Fields, missing: Settings) -> str:
    value = top.raw.get("room_version", missing.room_version)
    if value is None:
        return ""
    # Room versions look like numbers, and few people put quotes around a number.
    if isinstance(value, bool) or not _ROOM_VERSION.fullmatch(str(value)):
        raise top.wrong("room_version", 'a room version such as "11", or nothing')
    return str(value)


def _read_instance_key(top: Fields, missing: Settings) -> str:
    value = top.raw.get("instance_key", missing.instance_key)
    # A number without quotes is a name like any other.
    if type(value) is int:
        return str(value)
    return top.optional_text("instance_key") if "instance_key" in top.raw else str(value)


def _read_default_platform(top: Fields, missing: Settings) -> str:
    name = top.text("default_platform", missing.default_platform)
    platforms = top.raw.get("platforms", missing.platforms)
    if isinstance(platforms, Mapping) and name not in platforms:
        known = suggest(name, [str(known) for known in platforms])
        raise ValueError(f"default_platform: {describe(name)} is not among platforms, {known}")
    return name


def _read_platform(platforms: Fields, name: object) -> PlatformSettings:
    if not isinstance(name, str) or not name:
        raise ValueError(f"{platforms.key(name)}: the name of a platform must be text")
    return registry.parse(platforms.raw[name], platforms.key(name))
