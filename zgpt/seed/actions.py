"""Writes the demo into the database with the same building blocks that a chat uses. What it says is in `stories`."""

import hashlib
from datetime import timedelta

from sqlalchemy import select

from zgpt.auth.models import User
from zgpt.auth.passwords import hash_password
from zgpt.chat.actions import create_session, insert_message, set_title
from zgpt.chat.models import ChatSession, Message
from zgpt.core import clock, ids
from zgpt.core.db import db, transaction
from zgpt.runs.models import Run
from zgpt.seed.stories import Answer, Person, Story, Turn, read_demo

MODEL = "smollm2-135m-instruct"
ANSWER_S = 4.0
FAILURE = ("provider_timeout", "The model stopped sending. What came is kept. Try again.")


def plant(password: str) -> list[str]:
    """Make the people of the demo who are not there yet, each with this password; returns their e-mails."""
    password_hash = hash_password(password)
    with transaction():
        missing = [person for person in read_demo().people if not _exists(person.email)]
        for person in missing:
            _plant_person(person, password_hash)
    return [person.email for person in missing]


def _exists(email: str) -> bool:
    return db.session.scalar(select(User.id).where(User.email == email)) is not None


def _plant_person(person: Person, password_hash: str) -> None:
    user = User(id=ids.new_id(), email=person.email, name=person.name, password_hash=password_hash)
    db.session.add(user)
    db.session.flush()
    for story in sorted(person.stories, key=lambda story: -story.hours_ago):
        with clock.moved(-story.hours_ago * 3_600):
            _plant_story(user.id, story)


def _plant_story(user_id: str, story: Story) -> None:
    session = create_session(user_id)
    set_title(session, story.title, "person" if story.named_by_person else "model")
    leaf_id: str | None = None
    for turn in story.turns:
        leaf_id = _plant_turn(session, leaf_id, turn)


def _plant_turn(session: ChatSession, parent_id: str | None, turn: Turn) -> str:
    """Write the turn with its siblings; returns the id of its last answer, which the next turn follows."""
    for wording in turn.earlier:
        earlier = insert_message(session, "user", wording, parent_id, ids.new_id())
        _plant_answer(session, earlier.id, Answer("For how many people, and what is in the kitchen?"))
    question = insert_message(session, "user", turn.question, parent_id, ids.new_id())
    return [_plant_answer(session, question.id, answer) for answer in turn.answers][-1]


def _plant_answer(session: ChatSession, question_id: str, answer: Answer) -> str:
    message = insert_message(session, "assistant", answer.text, question_id, model=MODEL)
    message.reasoning = answer.reasoning
    db.session.add(_run(session, message, answer))
    return message.id


def _run(session: ChatSession, message: Message, answer: Answer) -> Run:
    parts = {name: text.encode() for name, text in (("text", answer.text), ("reasoning", answer.reasoning)) if text}
    code, words = FAILURE if answer.ending == "failed" else (None, None)
    return Run(
        message_id=message.id,
        session_id=session.id,
        user_id=session.user_id,
        status=answer.ending,
        model=MODEL,
        usage={"prompt_tokens": 120, "completion_tokens": len(answer.text) // 4},
        error_code=code,
        error_message=words,
        error_retryable=True if code else None,
        ends={name: len(data) for name, data in parts.items()},
        sha256={name: hashlib.sha256(data).hexdigest() for name, data in parts.items()},
        created_at=message.created_at,
        started_at=message.created_at,
        first_token_at=message.created_at + timedelta(milliseconds=120),
        ended_at=message.created_at + timedelta(seconds=ANSWER_S),
    )
