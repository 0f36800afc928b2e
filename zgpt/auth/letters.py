"""The texts of all letters. They hold nothing that a stranger could have chosen but the address they go to."""

from zgpt.auth.mail import Letter

_FOOT = "\n\nThis letter was sent by {site}. If you did not ask for it, you need not do anything.\n"
_NOT_YOU = "\n\nIf this was not you, set a new password now: {site}\n"


def sign_up(to: str, site: str, link: str) -> Letter:
    text = f"Open this link to make your account. It works once, for an hour.\n\n{link}"
    return Letter(to, "Confirm your e-mail for Z-GPT", text + _FOOT.format(site=site))


def has_account(to: str, site: str) -> Letter:
    text = (
        "Somebody, probably you, wanted to make an account or to move one to this e-mail. There is an account with it "
        "already.\nSign in, or ask for a new password if you forgot yours."
    )
    return Letter(to, "You have a Z-GPT account already", text + _FOOT.format(site=site))


def password_reset(to: str, site: str, link: str) -> Letter:
    text = f"Open this link to choose a new password. It works once, for an hour.\n\n{link}"
    return Letter(to, "Choose a new password for Z-GPT", text + _FOOT.format(site=site))


def password_changed(to: str, site: str) -> Letter:
    text = "The password of your account was set anew. All devices were signed out, and all API keys have ended."
    return Letter(to, "Your Z-GPT password was changed", text + _NOT_YOU.format(site=site))


def confirm_email(to: str, site: str, link: str) -> Letter:
    text = f"Open this link to use this e-mail for your account. It works once, for an hour.\n\n{link}"
    return Letter(to, "Confirm your new e-mail for Z-GPT", text + _FOOT.format(site=site))


def email_changed(to: str, site: str) -> Letter:
    text = "Your account has another e-mail from now on. This address cannot sign in any more."
    tail = "\n\nIf this was not you, tell the operator of {site} at once.\n"
    return Letter(to, "The e-mail of your Z-GPT account was changed", text + tail.format(site=site))
