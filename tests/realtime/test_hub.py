"""Members, viewers and events: who is told, in which order, and that nothing is left when all have gone."""

from tests.support.delivery import RUN, SESSION, USER, HandClock, Link, ended, head, member, view
from zgpt.realtime import close_codes
from zgpt.realtime.hub import HELD_EVENTS, Hub, Member

OTHER_SESSION = "0190b3a4-0000-7000-8000-000000000099"
EVENT, LATER = b'{"type":"message.created"}', b'{"type":"session.updated"}'


def _is_empty(hub: Hub) -> bool:
    return not (hub._members or hub._expected or hub._viewers or hub._runs or hub._runs_of)


def test_an_event_of_a_session_reaches_its_viewers_only(hub: Hub) -> None:
    viewer, other, elsewhere = Link(), Link(), Link()
    for link, session_id in ((viewer, SESSION), (other, OTHER_SESSION), (elsewhere, None)):
        joined = member(hub, link)
        if session_id:
            hub.hold(joined, session_id)
            hub.release(joined, session_id, 0, {})
    hub.event_published(USER, SESSION, EVENT)
    assert (viewer.offered, other.offered, elsewhere.offered) == ([EVENT], [], [])


def test_a_session_has_viewers_from_its_opening_to_its_closing(hub: Hub) -> None:
    joined = member(hub, Link())
    assert not hub.has_viewers(SESSION)
    hub.hold(joined, SESSION)
    assert hub.has_viewers(SESSION)
    hub.close_session(joined, SESSION)
    assert not hub.has_viewers(SESSION)


def test_the_audience_is_every_user_with_their_logins_and_open_sessions(hub: Hub) -> None:
    phone, laptop = member(hub, Link(), login_id="phone"), member(hub, Link(), login_id="laptop")
    hub.hold(phone, SESSION)
    assert hub.audience() == [(USER, ({"phone", "laptop"}, {SESSION}))]
    assert hub.connections_of(USER) == 2
    hub.leave(phone)
    hub.leave(laptop)
    assert (hub.audience(), hub.connections_of(USER)) == ([], 0)


def test_who_is_expected_hears_of_events_once_it_has_joined_and_is_not_counted_before(hub: Hub) -> None:
    link = Link()
    coming = Member(link, USER, "login")
    hub.expect(coming)
    hub.event_published(USER, None, EVENT)
    hub.event_published(USER, None, LATER)
    assert (link.offered, hub.connections_of(USER)) == ([], 0)
    hub.join(coming)
    assert (link.offered, hub.connections_of(USER)) == ([EVENT, LATER], 1)
    hub.event_published(USER, None, EVENT)
    assert link.offered == [EVENT, LATER, EVENT]
    hub.leave(coming)
    assert _is_empty(hub)


def test_who_is_expected_and_turned_away_was_told_nothing(hub: Hub) -> None:
    link = Link()
    coming = Member(link, USER, "login")
    hub.expect(coming)
    hub.event_published(USER, None, EVENT)
    hub.leave(coming)
    assert link.offered == []
    assert _is_empty(hub)


def test_the_end_of_a_login_reaches_who_is_expected(hub: Hub) -> None:
    link, other = Link(), Link()
    hub.expect(Member(link, USER, "login"))
    hub.expect(Member(other, USER, "another"))
    hub.login_revoked(USER, "login", close_codes.LOGIN_ENDED)
    assert (link.closed_with, other.closed_with) == (close_codes.LOGIN_ENDED, None)


def test_an_event_of_a_user_reaches_all_their_connections_and_nobody_elses(hub: Hub) -> None:
    phone, laptop, stranger = Link(), Link(), Link()
    member(hub, phone)
    member(hub, laptop)
    member(hub, stranger, user_id="someone else")
    hub.event_published(USER, None, EVENT)
    assert (phone.offered, laptop.offered, stranger.offered) == ([EVENT], [EVENT], [])


def test_events_wait_while_a_session_is_opened_and_then_come_in_order(hub: Hub) -> None:
    link = Link()
    joined = member(hub, link)
    hub.hold(joined, SESSION)
    hub.event_published(USER, SESSION, EVENT)
    hub.event_published(USER, None, LATER)
    assert link.offered == []
    hub.release(joined, SESSION, 0, {})
    hub.event_published(USER, SESSION, EVENT)
    assert link.offered == [EVENT, LATER, EVENT]


def test_an_event_of_the_user_does_not_wait_once_the_session_is_open(hub: Hub) -> None:
    link = Link()
    view(hub, link)
    hub.event_published(USER, None, LATER)
    assert link.offered == [LATER]


def test_an_opening_that_failed_holds_nothing_back(hub: Hub) -> None:
    link = Link()
    joined = member(hub, link)
    hub.hold(joined, SESSION)
    hub.close_session(joined, SESSION)
    hub.event_published(USER, None, LATER)
    hub.event_published(USER, SESSION, EVENT)
    assert link.offered == [LATER]


def test_too_much_while_a_session_is_opened_sends_the_client_to_open_it_again(hub: Hub) -> None:
    link = Link()
    hub.hold(member(hub, link), SESSION)
    for _ in range(HELD_EVENTS):
        hub.event_published(USER, SESSION, EVENT)
    assert link.closed_with is None
    hub.event_published(USER, SESSION, EVENT)
    assert link.closed_with == close_codes.RESYNC


def test_opening_a_session_again_replaces_the_first_view(hub: Hub) -> None:
    link = Link()
    joined = member(hub, link)
    for _ in range(2):
        hub.hold(joined, SESSION)
        hub.release(joined, SESSION, 0, {})
    hub.event_published(USER, SESSION, EVENT)
    assert link.offered == [EVENT]


def test_releasing_a_session_that_was_closed_meanwhile_does_nothing(hub: Hub) -> None:
    link = Link()
    joined = member(hub, link)
    hub.hold(joined, SESSION)
    hub.close_session(joined, SESSION)
    hub.release(joined, SESSION, 0, {})
    hub.event_published(USER, SESSION, EVENT)
    assert link.offered == []


def test_who_has_left_is_told_nothing_and_leaving_twice_is_harmless(hub: Hub) -> None:
    link = Link()
    joined = view(hub, link)
    hub.leave(joined)
    hub.leave(joined)
    hub.event_published(USER, SESSION, EVENT)
    hub.event_published(USER, None, EVENT)
    assert link.offered == []


def test_a_revoked_login_is_closed_and_the_users_other_devices_are_not(hub: Hub) -> None:
    one, other, stranger = Link(), Link(), Link()
    member(hub, one, login_id="one")
    member(hub, other, login_id="other")
    member(hub, stranger, user_id="someone else", login_id="one")
    hub.login_revoked(USER, "one", close_codes.LOGIN_ENDED)
    assert [link.closed_with for link in (one, other, stranger)] == [close_codes.LOGIN_ENDED, None, None]


def test_revoking_a_user_closes_all_their_devices(hub: Hub) -> None:
    links = [Link(), Link()]
    for index, link in enumerate(links):
        member(hub, link, login_id=str(index))
    hub.login_revoked(USER, None, close_codes.LOGIN_ENDED)
    assert [link.closed_with for link in links] == [close_codes.LOGIN_ENDED] * 2


def test_a_stop_goes_to_the_runner_and_without_one_nowhere(hub: Hub) -> None:
    hub.stop_requested(RUN)
    stopped: list[str] = []
    hub.on_stop = stopped.append
    hub.stop_requested(RUN)
    assert stopped == [RUN]


def test_after_everything_has_closed_nothing_is_left(hub: Hub, flush_clock: HandClock) -> None:
    members = [member(hub, Link(), login_id=str(index)) for index in range(3)]
    for joined in members:
        hub.hold(joined, SESSION)
        hub.release(joined, SESSION, 0, {})
    hub.run_opened(head(), {})
    hub.text_appended(RUN, 1, "text", 0, b"Hello")
    flush_clock.flush()
    hub.run_ended(RUN, 1, ended())
    for joined in members:
        hub.leave(joined)
    assert not _is_empty(hub)
    flush_clock.pass_time()
    assert _is_empty(hub)


def test_a_run_that_ended_is_forgotten_though_its_viewer_stays(hub: Hub, flush_clock: HandClock) -> None:
    joined = view(hub, Link())
    hub.run_opened(head(), {})
    hub.run_ended(RUN, 1, ended())
    flush_clock.pass_time()
    assert hub.live_run(RUN) is None
    assert joined.viewers[SESSION].cursors == {}


def test_a_viewer_that_stops_reading_keeps_the_run_until_it_has_the_end(hub: Hub, flush_clock: HandClock) -> None:
    link = Link()
    joined = view(hub, link)
    hub.run_opened(head(), {})
    link.block()
    hub.text_appended(RUN, 1, "text", 0, b"Hello")
    hub.run_ended(RUN, 1, ended())
    flush_clock.pass_time()
    assert hub.live_run(RUN) is not None
    link.drain()
    hub.drained(joined)
    assert link.types == ["run.delta", "run.completed"]
    flush_clock.pass_time()
    assert hub.live_run(RUN) is None


def test_a_viewer_that_leaves_without_the_end_does_not_keep_the_run(hub: Hub, flush_clock: HandClock) -> None:
    link = Link()
    joined = view(hub, link)
    hub.run_opened(head(), {})
    link.block()
    hub.run_ended(RUN, 1, ended())
    hub.leave(joined)
    flush_clock.pass_time()
    assert _is_empty(hub)
