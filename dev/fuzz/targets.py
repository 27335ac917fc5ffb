"""Every target: whatever reads what others wrote, in the order in which it is fuzzed.

A module that reads something new from outside gets its target here.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import answers, operator, platform, rooms, rows, texts
from .target import Target

TARGETS: Mapping[str, Target] = {
    target.name: target
    for module in (rooms, answers, platform, operator, rows, texts)
    for target in module.TARGETS
}
