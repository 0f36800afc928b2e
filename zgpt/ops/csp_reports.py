"""`POST /api/v1/csp-reports`: what browsers refused to load by our policy. One bounded log line each, no addresses."""

import re
from urllib.parse import urlsplit

import msgspec
import structlog
from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from zgpt.core import metrics
from zgpt.core.errors import BadRequest
from zgpt.core.headers import CONTENT_SECURITY_POLICY, CSP_REPORTS_PATH
from zgpt.core.limits import limited
from zgpt.core.openapi import operation

REPORT_BYTES = 8_192
_WORD = re.compile(r"[a-z-]{1,40}")

blueprint = Blueprint("csp_reports", __name__)
log = structlog.get_logger("zgpt.csp")


class Violation(msgspec.Struct, rename="kebab"):
    """What we read of a report (CSP3 §5.3); the rest may hold addresses of somebody's sessions."""

    effective_directive: str = ""
    violated_directive: str = ""
    blocked_uri: str = ""


class Report(msgspec.Struct, rename="kebab"):
    csp_report: Violation


@blueprint.post(CSP_REPORTS_PATH)
@limited("csp_reports")
@operation(summary="Report a violation of the policy", auth="none", responses={204: None}, problems=(400, 413, 429))
def report() -> ResponseReturnValue:
    """For browsers, which send it by themselves (`report-uri`). Anybody can make one up: it proves nothing."""
    request.max_content_length = REPORT_BYTES
    try:
        violation = msgspec.json.decode(request.get_data(), type=Report).csp_report
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest from None
    directive = (violation.effective_directive or violation.violated_directive).partition(" ")[0]
    known = directive if directive.removesuffix("-elem").removesuffix("-attr") in CONTENT_SECURITY_POLICY else "other"
    metrics.CSP_REPORTS.labels(known).inc()
    log.warning("csp_violation", directive=known, blocked=_place(violation.blocked_uri))
    return "", 204


def _place(blocked: str) -> str:
    """Where it would have come from: a word of the specification (`inline`, `eval`, `data` …) or scheme and host."""
    if _WORD.fullmatch(blocked):
        return blocked
    try:
        parts = urlsplit(blocked)
        return f"{parts.scheme}://{parts.hostname}"[:200] if parts.hostname else f"{parts.scheme}:"[:40]
    except ValueError:
        return "unreadable"
