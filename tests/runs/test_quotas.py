"""What a person may still have written."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event

from tests.runs.conftest import Chat, MakeChat, new_name
from zgpt.core import clock
from zgpt.core.db import db, transaction
from zgpt.core.errors import RateLimited
from zgpt.core.models import RateLimit
from zgpt.llm.base import Usage
from zgpt.llm.scripted import End, Hold, Say
from zgpt.runs import actions, quotas
from zgpt.runs.models import UsageDay

DAY_MS = 86_400_000


def used(chat: Chat) -> tuple[int, int, int]:
    """Prompt tokens, completion tokens and cost that were booked for the person."""
    with chat.app.app_context():
        rows = db.session.query(UsageDay).filter_by(user_id=chat.person.id).all()
        return (
            sum(row.prompt_tokens for row in rows),
            sum(row.completion_tokens for row in rows),
            sum(row.cost_micros for row in rows),
        )


def refused(chat: Chat) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        chat.send("One more")
    return caught.value


def give(chat: Chat, name: str, amount: int) -> None:
    with chat.app.app_context(), transaction():
        db.session.add(RateLimit(user_id=chat.person.id, name=name, amount=amount, per_s=86_400))


def test_what_the_model_told_is_booked_once_with_its_price(make_chat: MakeChat, db_url: str) -> None:
    chat = make_chat(DATABASE_URL=db_url, PRICE_INPUT="2.5", PRICE_OUTPUT="10")
    chat.provider.script(Say("One"), End(usage=Usage(100, 20)))
    chat.provider.script(Say("Two"), End(usage=Usage(10, 2)))
    first = chat.ask("Hi")
    chat.ask("Hi again", first.session_id)
    assert used(chat) == (110, 22, 110 * 2.5 + 22 * 10)


def test_a_model_that_tells_nothing_is_estimated(chat: Chat) -> None:
    chat.provider.script(Say("x" * 35), End(usage=None))
    chat.ask("Hi")
    prompt, completion, _ = used(chat)
    assert prompt > 2
    assert completion == 10


def test_a_stopped_answer_is_booked_as_far_as_it_was_written(chat: Chat) -> None:
    gate = Event()
    chat.provider.script(Say("y" * 70), Hold(gate), End(usage=None))
    sent = chat.send("Hi")
    chat.wait(lambda: any(run.size for run in chat.runner.active()))
    chat.do(actions.request_stop, chat.person.id, sent.run_id)
    chat.settle()
    gate.set()
    assert used(chat)[1] == 20


def test_an_answer_that_never_reached_the_model_costs_nothing(make_chat: MakeChat) -> None:
    gate = Event()
    chat = make_chat(LLM_CONCURRENCY="1")
    chat.provider.script(Hold(gate))
    first, second = chat.send("Hi"), chat.send("Another session")
    chat.wait(lambda: chat.runner.place_of(second.run_id) == 1)
    chat.do(actions.request_stop, chat.person.id, second.run_id)
    chat.wait(lambda: chat.run(second.run_id).status == "stopped")
    assert used(chat) == (0, 0, 0)
    chat.do(actions.request_stop, chat.person.id, first.run_id)
    gate.set()
    chat.settle()


def test_no_more_answers_are_under_way_at_once_than_the_quota_has(make_chat: MakeChat, db_url: str) -> None:
    gate = Event()
    chat = make_chat(DATABASE_URL=db_url, QUOTA_RUNS="3")
    for _ in range(3):
        chat.provider.script(Hold(gate), Say("done"))
    outcomes: list[str] = []

    def ask() -> None:
        try:
            chat.send("Hi")
            outcomes.append("sent")
        except RateLimited as fault:
            outcomes.append(fault.code)

    gevent.joinall([gevent.spawn(ask) for _ in range(8)], timeout=20, raise_error=True)
    assert sorted(outcomes) == ["sent"] * 3 + ["too_many_runs"] * 5
    gate.set()
    chat.settle()
    chat.ask("There is room again")


def test_the_tokens_of_a_day_can_be_used_up_and_come_back_at_midnight(make_chat: MakeChat) -> None:
    chat = make_chat(QUOTA_TOKENS_PER_DAY="100")
    chat.provider.script(Say("One"), End(usage=Usage(80, 20)))
    sent = chat.ask("Hi")
    fault = refused(chat)
    assert (fault.code, fault.retryable) == ("quota_exhausted", False)
    assert 0 < (fault.retry_after_ms or 0) <= DAY_MS
    with clock.moved(86_400):
        chat.ask("A new day", sent.session_id)


def test_answers_under_way_count_with_what_they_may_still_write(make_chat: MakeChat) -> None:
    gate = Event()
    chat = make_chat(QUOTA_TOKENS_PER_DAY="600", LLM_MAX_OUTPUT_TOKENS="512")
    chat.provider.script(Hold(gate), Say("done"), End(usage=Usage(1, 1)))
    chat.provider.script(Hold(gate), Say("done"), End(usage=Usage(1, 1)))
    chat.send("One")
    chat.send("Two")
    assert refused(chat).code == "quota_exhausted"
    gate.set()
    chat.settle()
    chat.ask("Both were short")


def test_the_cost_of_a_month_can_be_used_up(make_chat: MakeChat) -> None:
    chat = make_chat(QUOTA_COST_PER_MONTH="0.5", PRICE_OUTPUT="1000")
    chat.provider.script(Say("dear"), End(usage=Usage(0, 500)))
    chat.ask("Hi")
    assert "month" in refused(chat).message


@pytest.mark.parametrize(("name", "setting"), [("tokens", "QUOTA_TOKENS_PER_DAY"), ("runs", "QUOTA_RUNS")])
def test_an_operator_can_give_one_person_another_quota(make_chat: MakeChat, name: str, setting: str) -> None:
    chat = make_chat(**{setting: "1"})
    give(chat, name, 1_000_000)
    gate = Event()
    chat.provider.script(Say("One"), Hold(gate), End(usage=Usage(5, 5)))
    chat.send("Hi")
    chat.wait(lambda: any(run.size for run in chat.runner.active()))
    gate.set()
    chat.send("Another session")
    chat.settle()


def test_a_person_can_see_where_they_stand(make_chat: MakeChat) -> None:
    chat = make_chat(QUOTA_TOKENS_PER_DAY="1000", QUOTA_RUNS="0")
    chat.provider.script(Say("One"), End(usage=Usage(30, 12)))
    chat.ask("Hi")
    seen = chat.person.client.get("/api/v1/usage", headers=chat.person.headers).get_json()
    assert (seen["tokens"]["used"], seen["tokens"]["limit"]) == (42, 1000)
    assert seen["tokens"]["resets_at"].endswith("T00:00:00.000Z")
    assert (seen["runs"]["used"], seen["runs"]["limit"], seen["cost"]["limit"]) == (0, None, None)


def test_a_refused_question_is_not_stored(make_chat: MakeChat) -> None:
    chat = make_chat(QUOTA_TOKENS_PER_DAY="1")
    sent = chat.ask("Hi")
    with chat.app.app_context(), pytest.raises(RateLimited):
        actions.send_message(chat.person.id, sent.session_id, new_name(), "Lost?")
    page = chat.person.client.get(f"/api/v1/sessions/{sent.session_id}/messages", headers=chat.person.headers)
    assert [item["text"] for item in page.get_json()["items"]] == ["Hi", "Hello."]


def test_the_months_end_is_the_first_of_the_next_one() -> None:
    midnight = clock.now().replace(year=2026, month=12, day=31, hour=0, minute=0, second=0, microsecond=0)
    assert quotas._next_month(midnight).isoformat().startswith("2027-01-01")
