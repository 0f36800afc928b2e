"""From a command to a stored question and a queued run. Writing the answer is in `runner`, ending it in `ending`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select

from zgpt.chat.access import access_message, access_session
from zgpt.chat.actions import announce, create_session, insert_exchange, insert_message, lock_user
from zgpt.chat.models import ChatSession, Message
from zgpt.chat.queries import message_named
from zgpt.core import clock, ids
from zgpt.core.config import settings
from zgpt.core.db import Collector, db, transaction
from zgpt.core.errors import Conflict, Invalid, NotFound
from zgpt.moderation.decisions import record
from zgpt.moderation.moderation import Verdict
from zgpt.realtime.live import RunHead
from zgpt.realtime.protocol import MessageCreated
from zgpt.realtime.server import current
from zgpt.runs.access import access_run
from zgpt.runs.models import Run
from zgpt.runs.moderated import judge_prompt, notice_for
from zgpt.runs.queries import OPEN, has_open_run, runs_of
from zgpt.runs.quotas import check_quotas
from zgpt.runs.runner import current_runner
from zgpt.runs.schemas import clean_text, written_json
from zgpt.runs.spending import remembered, spend

Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """What a send, an edit or a new attempt made. `again`: it was made by an earlier try of the same command.

    `notice` is what the person is to be shown beside the answer.
    """

    session_id: str
    message_id: str
    run_id: str
    revision: int
    again: bool = False
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks, and after which message. Without a verdict it was asked before, and cannot be again."""

    parent_id: str | None
    client_id: str
    verdict: Verdict | None


def send_message(
    user_id: str, session_id: str | None, client_id: str, text: str, before_publish: Announce | None = None
) -> Sent:
    """Store the user's question and queue its run; the same `client_id` again returns what the first made.

    Without a session one is created. `before_publish` gets the session's id after the commit, before any event of it.
    """
    text = clean_text(text, settings().max_message_bytes)
    verdict = _judge_once(user_id, client_id, session_id, text)
    with remembered(user_id, client_id), transaction() as after:
        lock_user(user_id)
        sent = _sent_before(user_id, client_id, session_id)
        if sent:
            return sent
        session = access_session(user_id, session_id) if session_id else create_session(user_id)
        return _ask(session, Question(session.leaf_id, client_id, verdict), after, before_publish)


def edit_message(user_id: str, message_id: str, client_id: str, text: str) -> Sent:
    """Ask anew in place of an earlier question: a sibling of it, with a run of its own."""
    text = clean_text(text, settings().max_message_bytes)
    place = access_message(user_id, message_id).session_id
    verdict = _judge_once(user_id, client_id, place, text)
    with remembered(user_id, client_id), transaction() as after:
        lock_user(user_id)
        original = access_message(user_id, message_id)
        if original.role != "user":
            raise Invalid("Only a question of yours can be edited.")
        sent = _sent_before(user_id, client_id, original.session_id)
        if sent:
            return sent
        session = access_session(user_id, original.session_id)
        return _ask(session, Question(original.parent_id, client_id, verdict), after)


def regenerate(user_id: str, message_id: str) -> Sent:
    """Have an answer written once more, as a sibling of the one there is."""
    spend(user_id)
    with transaction() as after:
        lock_user(user_id)
        answer = access_message(user_id, message_id)
        if answer.role != "assistant" or answer.parent_id is None:
            raise Invalid("Only an answer can be written again.")
        session = access_session(user_id, answer.session_id)
        _check_room(session)
        anew = insert_message(session, "assistant", "", answer.parent_id, model=current_runner().model)
        run = _queue_run(session, anew, after)
        announce(session, after)
        return Sent(session.id, run.message_id, run.id, session.revision)


def request_stop(user_id: str, run_id: str) -> None:
    """Ask for the run to end where it is. Idempotent; an ended run stays as it is."""
    with transaction():
        run = access_run(user_id, run_id)
        if run.status not in OPEN:
            return
        run.stop_requested_at = run.stop_requested_at or clock.now()
        run_id = run.id
    current().broker.request_stop(run_id)


def stop_all(runs: list[Run], after: Collector) -> None:
    """Ask for these runs to end once the deletion of what they write is committed."""
    for run in runs:
        after(partial(current().broker.request_stop, run.id))


def _judge_once(user_id: str, client_id: str, session_id: str | None, text: str) -> Verdict | None:
    """Paid for, and what of it may be stored; None when it was sent before, which costs nothing again."""
    if _sent_before(user_id, client_id, session_id) is not None:
        return None
    spend(user_id, client_id)
    return judge_prompt(user_id, text)


def _ask(session: ChatSession, asked: Question, after: Collector, before_publish: Announce | None = None) -> Sent:
    verdict = asked.verdict
    if verdict is None:
        raise NotFound("The message that this one repeats was deleted in this moment.")
    _check_room(session)
    model = current_runner().model
    question, answer = insert_exchange(session, verdict.text, asked.parent_id, asked.client_id, model)
    record(verdict.decisions, session.user_id, message_id=question.id)
    if before_publish:
        after(partial(before_publish, session.id))
    _tell_created(session, question, None, after)
    run = _queue_run(session, answer, after)
    announce(session, after)
    return Sent(session.id, question.id, run.id, session.revision, notice=verdict.notice)


def _check_room(session: ChatSession) -> None:
    """A session has one open run at a time, for its branch has one end; a user as many as the quotas say."""
    if has_open_run(session.id):
        raise Conflict("An answer is still being written here. Stop it, or wait for its end.", code="run_active")
    check_quotas(session.user_id)


def _queue_run(session: ChatSession, answer: Message, after: Collector) -> Run:
    """The run that will write this empty answer."""
    runner = current_runner()
    run = Run(id=ids.new_id(), message_id=answer.id, session_id=session.id, user_id=session.user_id, model=answer.model)
    run.status, run.epoch, run.text_kept, run.reasoning_kept = "queued", 1, "", ""
    run.owner = runner.owner
    db.session.add(run)
    db.session.flush()
    _tell_created(session, answer, run, after)
    after(partial(runner.enqueue, RunHead(session.user_id, session.id, run.id, answer.id, run.epoch)))
    return run


def _tell_created(session: ChatSession, message: Message, run: Run | None, after: Collector) -> None:
    event = MessageCreated(session.id, message.revision, written_json(message, run))
    after(partial(current().broker.publish, session.user_id, session.id, event))


def _sent_before(user_id: str, client_id: str, session_id: str | None) -> Sent | None:
    question = message_named(user_id, client_id, session_id)
    if question is None:
        return None
    answers = select(Message).where(Message.parent_id == question.id).order_by(Message.id)
    answer = db.session.scalars(answers.limit(1)).first()
    run = runs_of([answer]).get(answer.id) if answer else None
    session = db.session.get(ChatSession, question.session_id)
    if run is None or session is None:
        raise NotFound
    return Sent(session.id, question.id, run.id, session.revision, again=True, notice=notice_for(question.text))
