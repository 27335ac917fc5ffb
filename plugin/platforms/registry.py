"""Which types of platform exist: from the `type` in the configuration to the class behind it.

It is the one place that a new platform is entered in. Nothing else may name a platform's class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..fields import describe, label, report_wrong, suggest
from .echo import EchoSettings
from .openai import OpenAISettings
from .protocol import Platform, PlatformSettings

if TYPE_CHECKING:
    from aiohttp import ClientSession

TYPES: Mapping[str, type[PlatformSettings]] = {"echo": EchoSettings, "openai": OpenAISettings}


def parse(raw: object, where: str) -> PlatformSettings:
    """Check one entry of `platforms`; `where` is its dotted key, such as `platforms.gpt`.

    Raises ValueError with one sentence that names the full key at fault.
    """
    if not isinstance(raw, Mapping):
        raise report_wrong(where, raw, "a mapping with a type")
    if "type" not in raw:
        raise ValueError(f"{where}.type: missing, known are {', '.join(sorted(TYPES))}")
    kind = raw["type"]
    if not isinstance(kind, str) or kind not in TYPES:
        raise ValueError(
            f"{where}.type: found {describe(kind)}, which is no type of platform, "
            f"{suggest(kind, TYPES)}"
        )
    return TYPES[kind].parse(raw, where)


def build(settings: PlatformSettings, http: ClientSession) -> Platform:
    """Set a platform up from its settings; `http` stays the caller's, who closes it."""
    return settings.build(http)


def name_of(settings: PlatformSettings) -> str:
    """The type of a platform, and its model if it has one, for the log."""
    kind = next(kind for kind, known in TYPES.items() if isinstance(settings, known))
    return f"{kind}, {label(settings.model)}" if settings.model else kind
