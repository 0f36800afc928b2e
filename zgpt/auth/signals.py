"""Where rooms above join in the transaction that changes an account. Closing sockets is the broker's, not here."""

from blinker import Signal

account_deleting = Signal("Sent with the user's id and `after` (of the transaction) before the account's rows go.")
account_disabling = Signal("Sent with the user's id and `after` (of the transaction) when an account is shut out.")
