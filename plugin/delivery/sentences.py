"""What people read of what becomes of their messages, in one place.

Text in Markdown, with `str.format` placeholders. docs/sentences.md lists it; say "assistant",
never "platform": that is the operator's word.
"""

# What waits
QUEUE_IS_FULL = (
    "{limit} of your messages wait for an answer. I set aside what you "
    "write until then; `!retry` takes it up. "
    "I keep the last {most} of them, for {hours:.0f} hours."
)
ONE_TOO_OLD = (
    "While I was away, 1 message came that I leave unanswered "
    "because of its age. `!retry` takes it up, `!cancel` gives it up. "
    "I keep it for {hours:.0f} hours."
)
TOO_OLD = (
    "While I was away, {count} messages came that I leave unanswered "
    "because of their age. `!retry` takes them up, `!cancel` gives them up. "
    "I keep them for {hours:.0f} hours."
)

# What has no answer
WHAT_TO_DO = "`!retry` asks again, `!cancel` gives it up."
ASKED_AGAIN_LATER = "{sentence} Then I ask again by myself; `!cancel` gives it up."
CUT_OFF = (
    "My answer to this ends too early: I was interrupted while I sent it, and the rest is lost. "
    "Ask me to go on, and I will."
)
ANSWER_TOO_LONG = (
    "(I stop here: the answer is longer than what I can send. Ask me to go on, and I will.)"
)
HOMESERVER_SILENT = "The homeserver does not answer just now. Please try again shortly."
HOMESERVER_REFUSED = "The homeserver refused: {error}"
BROKEN = "Something went wrong on my side. Your administrator finds it under `{reference}`."

# What was said before
LEFT_OUT = (
    "This chat has grown long, so the assistant no longer sees all of it. "
    "It sees the newest part, and very long messages shortened. "
    "`!new` starts a fresh chat."
)
LEFT_OUT_HERE = "\n\n[{count} characters left out here]\n\n"
