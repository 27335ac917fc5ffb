"""Why a platform behind HTTP gave no answer: from what the wire said to a sentence for the owner.

Kept apart from the platforms so that all of them fail in the same words. It must not repeat what
a server wrote, nor any part of a key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ..fields import label
from . import sentences
from .protocol import PlatformError
from .refusal import MODEL, NO_MODEL, NO_QUOTA, TOO_LONG, Refusal


def explain_refusal(refusal: Refusal, model: str, secrets: Iterable[str]) -> PlatformError:
    """The failure for a request that the server answered with an error.

    Args:
        refusal: what it said.
        model: the model that was asked for.
        secrets: what the server knows and may repeat: none of it is logged.
    """
    sentence, can_retry = _choose_sentence(refusal, model)
    return PlatformError(
        sentence,
        can_retry=can_retry,
        detail=refusal.describe(secrets),
        retry_after=refusal.retry_after,
    )


def _choose_sentence(refusal: Refusal, model: str) -> tuple[str, bool]:
    status, wait, model = refusal.status, _tell_wait(refusal.retry_after), label(model)
    if status == 402 or (status in (403, 429) and refusal.speaks_of(NO_QUOTA)):
        return f"{sentences.NO_QUOTA} {sentences.OPERATOR}", False
    if status in (401, 403):
        return f"{sentences.KEY_REFUSED} {sentences.OPERATOR}", False
    if status == 413 or (status in (400, 422) and refusal.speaks_of(TOO_LONG)):
        return sentences.TOO_LONG, False
    if status == 429:
        return f"{sentences.TOO_MANY} {wait}", True
    # 409: what has the same idempotency key is not done with.
    if status in (408, 409) or status >= 500:
        return f"{sentences.FAILED.format(status=status)} {wait}", True
    if (status == 404 and refusal.speaks_of(MODEL)) or refusal.speaks_of(NO_MODEL):
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


def explain_overdue(seconds: float) -> PlatformError:
    """The failure for an answer that is not complete after `seconds`, further tries included."""
    return PlatformError(
        sentences.OVERDUE.format(seconds=seconds), can_retry=False, detail="overdue"
    )


def explain_missing(name: str) -> PlatformError:
    """The failure for a platform that is not configured at the moment, or wrongly."""
    return PlatformError(
        f"{sentences.NOT_CONFIGURED.format(name=label(name))} {sentences.OPERATOR}",
        can_retry=False,
        detail=f"no platform {label(name)} in the configuration",
    )


def explain_proxy() -> PlatformError:
    """The failure for a proxy in the environment that none can be reached through."""
    return PlatformError(
        f"{sentences.UNREACHABLE} {sentences.OPERATOR}",
        can_retry=False,
        detail="HTTP_PROXY or HTTPS_PROXY is not the address of an HTTP proxy",
    )


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


def explain_excess() -> PlatformError:
    """The failure for an answer that is larger than anything a person could be sent."""
    return PlatformError(sentences.EXCESS, can_retry=False, detail="part too large")


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
