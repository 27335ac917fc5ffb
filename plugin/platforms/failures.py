"""Why a platform behind HTTP gave no answer: from what the wire said to a sentence for the owner.

Kept apart from the platforms so that all of them fail in the same words. It must not repeat what
a server wrote in prose: that may hold a part of the key, or of somebody's message.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import attr

from . import sentences
from .protocol import PlatformError

_TOO_LONG = re.compile(r"context.?(length|window|size)|too.?long|too many tokens", re.I)
_NO_QUOTA = re.compile(r"insufficient.?(quota|balance|credit|funds)", re.I)
_TOO_MANY = re.compile(r"rate.?limit|too many requests", re.I)
_MODEL = re.compile(r"model", re.I)


@attr.frozen
class Refusal:
    """What a server said instead of an answer.

    `words` are the server's own, and only for recognising; `code` is its short name for the
    failure; `retry_after` is in seconds.
    """

    status: int
    words: str = attr.field(default="", repr=False)
    code: str = ""
    retry_after: float | None = None

    def speaks_of(self, topic: re.Pattern[str]) -> bool:
        """Whether the server's code or words are about `topic`."""
        return bool(topic.search(self.code) or topic.search(self.words))


def read_refusal(status: int, answer: object, headers: Mapping[str, str]) -> Refusal:
    """Make sense of an error body, in any of the forms that OpenAI-compatible servers use.

    `status` 200 means that the error came inside an answer that had begun well; the error itself
    then has to say what it is.
    """
    error = answer.get("error", answer) if isinstance(answer, Mapping) else answer
    entries = error if isinstance(error, Mapping) else {}
    words = entries.get("message") or entries.get("detail") or (error if error != entries else "")
    names = [entries.get("code"), entries.get("type")]
    code = " ".join(re.sub(r"[^\w.-]", "", str(name))[:40] for name in names if name)
    refusal = Refusal(status, str(words)[:2000], code, _read_retry_after(headers))
    return refusal if status != 200 else attr.evolve(refusal, status=_guess_status(refusal, names))


def _guess_status(refusal: Refusal, names: list[object]) -> int:
    for name in names:
        if isinstance(name, int) and 400 <= name <= 599:
            return name
    if refusal.speaks_of(_TOO_MANY) or refusal.speaks_of(_NO_QUOTA):
        return 429
    return 400 if refusal.speaks_of(_TOO_LONG) else 500


def _read_retry_after(headers: Mapping[str, str]) -> float | None:
    # Seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def explain_refusal(refusal: Refusal, model: str) -> PlatformError:
    """The failure for a request that the server answered with an error."""
    sentence, can_retry = _choose_sentence(refusal, model)
    detail = f"HTTP {refusal.status} {refusal.code}".strip()
    return PlatformError(sentence, can_retry=can_retry, detail=detail)


def _choose_sentence(refusal: Refusal, model: str) -> tuple[str, bool]:
    status, wait = refusal.status, _tell_wait(refusal.retry_after)
    if status == 402 or (status in (403, 429) and refusal.speaks_of(_NO_QUOTA)):
        return f"{sentences.NO_QUOTA} {sentences.OPERATOR}", False
    if status in (401, 403):
        return f"{sentences.KEY_REFUSED} {sentences.OPERATOR}", False
    if status == 413 or (status in (400, 422) and refusal.speaks_of(_TOO_LONG)):
        return sentences.TOO_LONG, False
    if status == 429:
        return f"{sentences.TOO_MANY} {wait}", True
    if status == 408 or status >= 500:
        return f"{sentences.FAILED.format(status=status)} {wait}", True
    if status == 404 and refusal.speaks_of(_MODEL):
        return f"{sentences.NO_MODEL.format(model=model)} {sentences.OPERATOR}", False
    if status == 404:
        return f"{sentences.NO_SERVICE.format(model=model)} {sentences.OPERATOR}", False
    if 300 <= status < 400:
        return f"{sentences.MOVED} {sentences.OPERATOR}", False
    return f"{sentences.NOT_TAKEN.format(status=status)} {sentences.OPERATOR}", False


def _tell_wait(seconds: float | None) -> str:
    return sentences.LATER.format(wait=_describe_wait(seconds))


def _describe_wait(seconds: float | None) -> str:
    if seconds is None:
        return sentences.IN_A_FEW_MINUTES
    if seconds <= 1:
        return sentences.IN_A_SECOND
    # Rounded up: whoever comes back too early is sent away again.
    for size, sentence in ((3600, sentences.IN_HOURS), (60, sentences.IN_MINUTES)):
        if seconds > 2 * size:
            return sentence.format(count=-int(-seconds // size))
    return sentences.IN_SECONDS.format(count=-int(-seconds // 1))


def explain_loss(error: Exception, timeout: float) -> PlatformError:
    """The failure for a connection that was refused, lost, or silent for `timeout` seconds."""
    if isinstance(error, asyncio.TimeoutError):
        what = sentences.SILENT.format(seconds=timeout)
    else:
        what = sentences.UNREACHABLE
    return PlatformError(f"{what} {_tell_wait(None)}", can_retry=True, detail=type(error).__name__)


def explain_break(reason: str) -> PlatformError:
    """The failure for an answer that began and did not come to its end."""
    return PlatformError(sentences.BROKE_OFF, can_retry=True, detail=reason)


def explain_nonsense(reason: str) -> PlatformError:
    """The failure for something that is no answer; `reason` says why, without quoting it."""
    return PlatformError(
        sentences.NONSENSE,
        can_retry=True,
        detail=reason,
    )


def explain_silence() -> PlatformError:
    """The failure for an answer without a word in it."""
    return PlatformError(
        sentences.EMPTY,
        can_retry=True,
        detail="empty answer",
    )


def explain_filter() -> PlatformError:
    """The failure for an answer that the platform's own filter held back."""
    return PlatformError(
        sentences.FILTERED,
        can_retry=False,
        detail="content_filter",
    )
