"""base-config.yaml and what people make of it: the text that maubot keeps, read into Settings.

The rest of the plugin sees Settings only and never looks into YAML. Nothing here may raise for
what somebody wrote: maubot would disable the instance, and for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mautrix.util.config import BaseProxyConfig, ConfigUpdateHelper
from ruamel.yaml.error import YAMLError

from .parse import SECTIONS, parse_settings
from .permissions import Level
from .problems import ConfigProblem
from .settings import DEFAULTS, Settings

__all__ = [
    "DEFAULTS",
    "Config",
    "ConfigProblem",
    "Level",
    "Settings",
    "parse_settings",
    "read_settings",
]


class Config(BaseProxyConfig):
    """The configuration as maubot keeps it: a text that people edit in the web UI.

    Updating it brings in what base-config.yaml has and the text lacks, comments too, and loses
    nothing that somebody wrote, not even keys that do not exist: those are to be reported.
    """

    @property
    def written(self) -> Any:
        """What stands in the configuration, unchecked: a mapping, if nobody blundered."""
        return self._data

    def update(self, save: bool = True) -> None:
        """Bring in what is missing; a text that is no mapping is left as it is."""
        if isinstance(self.written, Mapping):
            super().update(save)

    def do_update(self, helper: ConfigUpdateHelper) -> None:
        """Lay what somebody wrote over the base; permissions and platforms replace it whole."""
        for key, value in self.written.items():
            section = helper.base.get(key, None, allow_recursion=False)
            if key in SECTIONS and isinstance(section, dict) and isinstance(value, Mapping):
                section.update(value)
            else:
                helper.base.set(key, value, allow_recursion=False)


# What the parser raises beside its own errors: of a date without such a day, of `0x_`, of brackets
# without end.
UNREADABLE = (YAMLError, RecursionError, ValueError, LookupError, TypeError, AttributeError)
REASONS = {
    "DuplicateKeyError": "a key stands twice",
    "ScannerError": "it can't be read (a tab? indent with spaces; or a quote that is not closed)",
    "ParserError": "something is out of place",
}


def read_settings(
    config: Config, fallback: Settings = DEFAULTS
) -> tuple[Settings, tuple[ConfigProblem, ...]]:
    """Load `config` and check it as `parse_settings` does; text that is no YAML is a problem too.

    It does not update `config`: that is for the caller, when there were no problems.
    """
    try:
        config.load()
    except UNREADABLE as error:
        # The parser's own words may quote what stands there, which may be a secret.
        reason = REASONS.get(type(error).__name__, "it is malformed")
        mark = getattr(error, "problem_mark", None)
        line = f", in or before line {mark.line + 1}" if mark else ""
        sentence = f"the configuration is not valid YAML{line}: {reason}"
        return fallback, (ConfigProblem(sentence, fatal=True),)
    return parse_settings(config.written, fallback)
