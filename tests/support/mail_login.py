"""aiosmtpd as `tests.support.mail_server` runs it, but for one user, who must sign in: its own program cannot."""

import sys
from functools import partial

import aiosmtpd.main
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER = "zgpt@example.org"
PASSWORD = "p@ss:w/rd%41"


def _judge(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, shown: object) -> AuthResult:
    return AuthResult(success=shown == LoginPassword(USER.encode(), PASSWORD.encode()), handled=False)


def main() -> None:
    """The arguments are aiosmtpd's."""
    # It does not see TLS that was there from the first byte.
    is_clear = "--smtpscert" not in sys.argv
    asking = partial(SMTP, authenticator=_judge, auth_required=True, auth_require_tls=is_clear)
    vars(aiosmtpd.main)["SMTP"] = asking
    aiosmtpd.main.main()


if __name__ == "__main__":
    main()
