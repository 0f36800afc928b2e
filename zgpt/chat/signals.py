"""Where rooms above join in: in the transaction of a change, or in what is shown. Telling clients is publishing."""

from blinker import Signal

session_deleting = Signal(
    "Sent with the ChatSession and `after` (of the transaction) before its deletion is committed."
)
messages_showing = Signal(
    "Sent with a list of Messages; a receiver returns the run JSON of those it knows, by message id."
)
