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
NOT_CONFIGURED = "The assistant `{name}` is not set up at the moment."
NO_KEY = "I have no usable key for the assistant."
KEY_REFUSED = "The assistant's server does not accept my key."
NO_QUOTA = "The assistant's quota is used up."
TOO_LONG = (
    "This is too long for the assistant. "
    "Please send a shorter message, or begin a new chat with `!new`."
)
TOO_MANY = "The assistant is getting too many messages at once."
FAILED = "The assistant has a problem of its own (error {status})."
NO_MODEL = "The assistant's server does not know the model “{model}”."
NO_SERVICE = "There is no assistant at the address I was given, or it has no model “{model}”."
MOVED = "The assistant's server has moved to another address."
NOT_TAKEN = "The assistant did not take this message (error {status})."
SILENT = "The assistant has said nothing for {seconds:g} seconds, so I stopped waiting."
OVERDUE = (
    "The assistant did not finish its answer within {seconds:g} seconds, so I stopped waiting."
)
UNREACHABLE = "I cannot reach the assistant right now."
BROKE_OFF = "The answer broke off before its end."
NONSENSE = (
    "The assistant sent something that I do not understand. "
    "If that happens again, please tell whoever runs this bot."
)
EXCESS = "The assistant sent far more than a message can hold."
EMPTY = "The assistant sent an empty answer."
FILTERED = "The assistant does not want to answer this message. Please put it in other words."

# Around an answer
REASONING = "Reasoning"
CUT_SHORT = "(The assistant stopped here: the answer reached its greatest length.)"
