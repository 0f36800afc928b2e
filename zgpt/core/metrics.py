"""Every metric there is, each named once. `zgpt.ops` serves them; HTTP is counted by prometheus-flask-exporter."""

import os
from typing import cast

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_flask_exporter import PrometheusMetrics

FIRST_TOKEN_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60)
LAG_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
HTTP_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# A WebSocket or an event stream would enter the histogram at its end with its whole life.
NOT_TIMED = ["^/ws$", "^/metrics$", "^/api/v1/runs/[^/]+/events$"]


def _gauge(name: str, text: str) -> Gauge:
    return Gauge(name, text, registry=None, multiprocess_mode="livesum")


def _counter(name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
    return Counter(name, text, labels, registry=None)


def _histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name, text, buckets=buckets, registry=None)


CONNECTIONS = _gauge("zgpt_connections", "Open WebSockets and event streams.")
VIEWERS = _gauge("zgpt_viewers", "Sessions that open WebSockets are looking at.")
COMMANDS = _counter("zgpt_commands_total", "WebSocket commands, by type and outcome.", ("type", "outcome"))
CLOSES = _counter("zgpt_closes_total", "WebSockets closed, by close code.", ("code",))
BAD_FRAMES = _counter("zgpt_bad_frames_total", "Frames refused, by reason.", ("reason",))
BAD_ORIGINS = _counter("zgpt_bad_origin_total", "WebSocket handshakes refused for their Origin.")
REFUSALS = _counter("zgpt_refused_total", "Requests and connections refused as too many, by limit.", ("limit",))
FLUSH_LAG = _histogram("zgpt_flush_lag_seconds", "How late a flush of new text ran after it was due.", LAG_BUCKETS_S)
RUNS = _counter("zgpt_runs_total", "Runs that ended, by status.", ("status",))
RUNS_ACTIVE = _gauge("zgpt_runs_active", "Runs that are streaming.")
RUNS_QUEUED = _gauge("zgpt_runs_queued", "Runs that wait for the model.")
FIRST_TOKEN = _histogram("zgpt_run_first_token_seconds", "From a run's start to its first text.", FIRST_TOKEN_BUCKETS_S)
RUNS_TAKEN = _counter("zgpt_runs_taken_total", "Runs taken over from processes that were gone.")
RUNS_ABANDONED = _counter("zgpt_runs_abandoned_total", "Runs given up because another process had taken them.")
HANDOVERS = _counter("zgpt_handovers_total", "Open connections that changed their process, by outcome.", ("outcome",))
REDIS_AWAY = _gauge("zgpt_redis_away", "Processes that go on without Redis.")
DELTAS = _counter("zgpt_provider_deltas_total", "Pieces of text that the model sent.")
PROVIDER_ERRORS = _counter("zgpt_provider_errors_total", "Faults of the model's server, by code.", ("code",))
RATE_LIMITED = _counter("zgpt_rate_limited_total", "Requests and commands refused as too many, by limit.", ("limit",))
LIMITS_WITHOUT_STORE = _counter(
    "zgpt_limits_without_store_total", "Limits judged while Redis was away, by LIMITS_WITHOUT_REDIS.", ("policy",)
)
AUDIT_EVENTS = _counter("zgpt_audit_events_total", "Lines of the audit log, by kind.", ("kind",))
MAILS = _counter("zgpt_mails_total", "Letters, by outcome.", ("outcome",))
AUDIT_UNWRITTEN = _counter("zgpt_audit_unwritten_total", "Failures counted but not written down, by kind.", ("kind",))
CSP_REPORTS = _counter("zgpt_csp_reports_total", "Violations of our policy that browsers reported.", ("directive",))
CHORES = _counter("zgpt_chores_total", "What is done now and then, by name and outcome.", ("name", "outcome"))
PRUNED = _counter("zgpt_pruned_total", "Rows that were deleted for their age, by what they were.", ("what",))
MODERATION = _counter(
    "zgpt_moderation_total", "Matches of moderation, by stage, action and category.", ("stage", "action", "category")
)
MODERATION_POLICIES = _counter("zgpt_moderation_policies_total", "Changed policy files, by outcome.", ("outcome",))
MODERATION_OPINIONS = _counter("zgpt_moderation_opinions_total", "Second opinions, by outcome.", ("outcome",))
CLIENT_ERRORS = _counter("zgpt_client_errors_total", "Errors that browsers reported.")

ALL = tuple(metric for metric in list(vars().values()) if isinstance(metric, Gauge | Counter | Histogram))
"""All of the above."""


def install_metrics(app: Flask) -> None:
    """Count this app's HTTP requests, in a registry of its own that also holds all metrics above."""
    registry = CollectorRegistry()
    for metric in ALL:
        registry.register(metric)
    PrometheusMetrics(
        app, path=None, registry=registry, group_by="url_rule", buckets=HTTP_BUCKETS_S, excluded_paths=NOT_TIMED,
        defaults_prefix="zgpt",
    )  # fmt: skip
    app.extensions["metrics_registry"] = registry


def registry_of(app: Flask) -> CollectorRegistry:
    """What to show: this process's metrics, or those of all workers when they write to PROMETHEUS_MULTIPROC_DIR."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return cast("CollectorRegistry", app.extensions["metrics_registry"])
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # its authors give it no types
    return registry
