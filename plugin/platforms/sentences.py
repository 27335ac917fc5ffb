"""What people read of platforms that do not answer, in one place.

Text in Markdown, with `str.format` placeholders. docs/sentences.md lists it; say "assistant",
never "platform": that is the operator's word.
"""

# Who can help, and when
OPERATOR = "Please tell whoever runs this bot."
LATER = "It may work again {wait}."
IN_A_FEW_MINUTES = "in a few minutes"
IN_A_SECOND = "in a second"
IN_SECONDS = "in {count} seconds"
IN_MINUTES = "in {count} minutes"
IN_HOURS = "in {count} hours"

# Why there is no answer
NOT_CONFIGURED = (
    "The platform `{name}` is not set up at the moment, so nobody can answer here. "
    "Your administrator can see why with `!status`."
)
NO_KEY = "I have no key for the platform: {lack}."
KEY_REFUSED = "The platform does not accept the key that I use."
NO_QUOTA = "The platform's quota is used up."
TOO_LONG = (
    "This is too long for the platform. "
    "Please send a shorter message, or begin a new chat with !new."
)
TOO_MANY = "The platform is getting too many messages at once."
FAILED = "The platform has a problem of its own (error {status})."
NO_MODEL = "The platform does not know the model “{model}”."
NO_SERVICE = "There is no chat service at the platform's address, or it has no model “{model}”."
MOVED = "The platform has moved to another address."
NOT_TAKEN = "The platform did not take this message (error {status})."
SILENT = "The platform has said nothing for {seconds:g} seconds, so I stopped waiting."
UNREACHABLE = "I cannot reach the platform right now."
BROKE_OFF = "The answer broke off before its end."
NONSENSE = (
    "The platform sent something that I do not understand. "
    "If that happens again, please tell whoever runs this bot."
)
EMPTY = "The platform sent an empty answer."
FILTERED = "The platform does not want to answer this message. Please put it in other words."

# Behind an answer
CUT_SHORT = "(The platform ends here: the answer reached its greatest length.)"
