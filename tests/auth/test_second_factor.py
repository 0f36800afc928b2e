"""The second factor, from the first secret to the last recovery code."""

from functools import partial

from flask import Flask

from tests.auth.factors import Phone, challenge_of, confirm, enrol, second
from tests.auth.support import AUTH, at_once, audit_kinds, sign_in
from tests.conftest import MakeApp, SignedIn
from zgpt.auth.models import SecondFactor
from zgpt.core import clock
from zgpt.core.db import db


def test_signing_in_takes_the_password_and_a_code(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    phone, _ = enrol(person)
    client, challenge = challenge_of(app, person)
    answer = second(client, challenge, phone.code())
    assert answer.status_code == 200
    assert answer.get_json()["user"]["id"] == person.id
    assert client.post(f"{AUTH}/refresh").status_code == 200
    assert audit_kinds(app, person.id)[-2:] == ["second_factor_asked", "signed_in"]


def test_a_wrong_password_is_told_as_before_and_gives_no_challenge(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    enrol(person)
    refused = sign_in(app.test_client(), person.email, "not the password")
    assert refused.status_code == 401
    assert refused.data == sign_in(app.test_client(), "nobody@example.org", "not the password").data


def test_a_code_works_once(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    phone, _ = enrol(person)
    code = phone.code()
    assert second(*challenge_of(app, person), code).status_code == 200
    again = second(*challenge_of(app, person), code)
    assert (again.status_code, again.get_json()["code"]) == (401, "wrong_code")
    assert second(*challenge_of(app, person), phone.code(-1)).status_code == 401


def test_of_two_who_show_one_code_at_once_one_enters(make_app: MakeApp, signed_in: SignedIn, db_url: str) -> None:
    app = make_app(DATABASE_URL=db_url)
    person = signed_in(app=app)
    phone, _ = enrol(person)
    code, doors = phone.code(), [challenge_of(app, person) for _ in range(4)]
    answers = at_once(partial(second, client, challenge, code) for client, challenge in doors)
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


def test_a_challenge_works_once(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    phone, recovery_codes = enrol(person)
    client, challenge = challenge_of(app, person)
    assert second(client, challenge, phone.code()).status_code == 200
    again = second(client, challenge, recovery_codes[0])
    assert (again.status_code, again.get_json()["code"]) == (401, "challenge_expired")


def test_a_challenge_has_five_tries(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    phone, _ = enrol(person)
    client, challenge = challenge_of(app, person)
    codes = [second(client, challenge, "000000").get_json()["code"] for _ in range(5)]
    assert codes == ["wrong_code"] * 5
    assert second(client, challenge, phone.code()).get_json()["code"] == "challenge_expired"
    assert "second_factor_failed" in audit_kinds(app, person.id)


def test_a_challenge_lasts_five_minutes(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    phone, _ = enrol(person)
    client, challenge = challenge_of(app, person)
    with clock.moved(301):
        assert second(client, challenge, phone.code()).get_json()["code"] == "challenge_expired"


def test_a_challenge_is_for_the_program_that_got_it(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    phone, _ = enrol(person)
    _, challenge = challenge_of(app, person)
    stolen = second(app.test_client(), challenge, phone.code(), **{"User-Agent": "another"})
    assert stolen.get_json()["code"] == "challenge_expired"


def test_a_challenge_dies_with_the_password_it_was_given_for(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    phone, _ = enrol(person)
    client, challenge = challenge_of(app, person)
    change = {"current_password": person.password, "new_password": "another horse entirely"}
    assert person.client.post(f"{AUTH}/password", json=change, headers=person.headers).status_code == 200
    assert second(client, challenge, phone.code()).get_json()["code"] == "challenge_expired"


def test_guesses_are_limited_over_all_challenges_but_not_for_the_owners_browser(
    app: Flask, signed_in: SignedIn
) -> None:
    person = signed_in()
    phone, _ = enrol(person)
    for _ in range(2):
        thief, challenge = challenge_of(app, person)
        assert {second(thief, challenge, "000000").status_code for _ in range(5)} == {401}
    thief, challenge = challenge_of(app, person)
    assert second(thief, challenge, phone.code()).status_code == 429
    answer = sign_in(person.client, person.email)
    assert second(person.client, answer.get_json()["challenge"], phone.code()).status_code == 200


def test_guesses_are_limited_for_who_is_signed_in_too(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    phone, _ = enrol(person)

    def disable(code: str) -> int:
        body = {"password": person.password, "code": code}
        return person.client.post(f"{AUTH}/second-factor/disable", json=body, headers=person.headers).status_code

    assert {disable("000000") for _ in range(10)} == {403}
    assert disable(phone.code()) == 429
    assert second(*challenge_of(app, person), phone.code()).status_code == 200


def test_each_recovery_code_works_once_however_it_is_typed(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    _, recovery_codes = enrol(person)
    assert len(set(recovery_codes)) == 10
    typed = recovery_codes[0].upper().replace("-", " ").replace("O", "0")
    assert second(*challenge_of(app, person), typed).status_code == 200
    assert second(*challenge_of(app, person), recovery_codes[0]).status_code == 401
    state = person.client.get(f"{AUTH}/second-factor", headers=person.headers).get_json()
    assert state == {"enabled": True, "recovery_codes_left": 9}


def test_new_recovery_codes_replace_the_old_ones(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    phone, old = enrol(person)
    body = {"password": person.password, "code": phone.code()}
    answer = person.client.post(f"{AUTH}/second-factor/recovery-codes", json=body, headers=person.headers)
    fresh = answer.get_json()["recovery_codes"]
    assert second(*challenge_of(app, person), old[0]).status_code == 401
    assert second(*challenge_of(app, person), fresh[0]).status_code == 200


def test_turning_it_off_takes_password_and_code(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    phone, recovery_codes = enrol(person)
    tries = [
        ({"password": "not the password", "code": phone.code()}, "wrong_password"),
        ({"password": person.password, "code": "000000"}, "wrong_code"),
    ]
    for body, code in tries:
        refused = person.client.post(f"{AUTH}/second-factor/disable", json=body, headers=person.headers)
        assert (refused.status_code, refused.get_json()["code"]) == (403, code)
    body = {"password": person.password, "code": recovery_codes[0]}
    assert person.client.post(f"{AUTH}/second-factor/disable", json=body, headers=person.headers).status_code == 204
    assert sign_in(app.test_client(), person.email).status_code == 200


def test_nothing_changes_before_the_first_code(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    assert confirm(person, "000000").status_code == 409
    begun = person.client.post(f"{AUTH}/second-factor", json={"password": person.password}, headers=person.headers)
    assert sign_in(app.test_client(), person.email).status_code == 200
    assert confirm(person, "000000").get_json()["code"] == "wrong_code"
    assert confirm(person, Phone(begun.get_json()["secret"]).code()).status_code == 200
    assert sign_in(app.test_client(), person.email).status_code == 202


def test_a_second_factor_is_not_replaced_by_another_and_not_set_up_without_the_password(signed_in: SignedIn) -> None:
    person = signed_in()
    enrol(person)
    again = person.client.post(f"{AUTH}/second-factor", json={"password": person.password}, headers=person.headers)
    assert again.get_json()["code"] == "second_factor_on"
    other = signed_in()
    refused = other.client.post(f"{AUTH}/second-factor", json={"password": "not it at all"}, headers=other.headers)
    assert refused.get_json()["code"] == "wrong_password"


def test_the_database_alone_gives_no_code_away(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    begun = person.client.post(f"{AUTH}/second-factor", json={"password": person.password}, headers=person.headers)
    with app.app_context():
        stored = db.session.get_one(SecondFactor, person.id)
    assert begun.get_json()["secret"] not in stored.salt
    assert Phone(begun.get_json()["secret"])._secret not in stored.salt.encode()


def test_somebody_who_is_shut_out_between_the_halves_does_not_enter(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    phone, _ = enrol(person)
    client, challenge = challenge_of(app, person)
    app.test_cli_runner().invoke(args=["user", "disable", person.email])
    assert second(client, challenge, phone.code()).status_code == 401
