"""The policy follows its file, and a bad file changes nothing."""

from pathlib import Path

import gevent
import pytest

from tests.moderation.texts import POLICY
from zgpt.core import metrics
from zgpt.moderation import policy_file
from zgpt.moderation.policy_file import PolicyFile
from zgpt.moderation.policy_nodes import PolicyError


def count(outcome: str) -> float:
    return float(metrics.MODERATION_POLICIES.labels(outcome)._value.get())


def test_a_changed_file_is_in_force_after_a_look(policy_path: Path) -> None:
    file = PolicyFile(policy_path)
    before, loaded = file.policy, count("loaded")
    assert not file.look()
    policy_path.write_text(POLICY.replace("zebedee", "zacharias"))

    assert file.look()
    assert file.policy.digest != before.digest
    assert count("loaded") == loaded + 1


@pytest.mark.parametrize("spoil", ["bad", "gone"])
def test_a_bad_file_or_none_leaves_the_old_policy_in_force_until_it_is_mended(policy_path: Path, spoil: str) -> None:
    file = PolicyFile(policy_path)
    before, refused = file.policy, count("refused")
    if spoil == "bad":
        policy_path.write_text(POLICY + "  - nonsense\n")
    else:
        policy_path.unlink()

    assert not file.look()
    assert not file.look()
    assert file.policy is before
    assert count("refused") == refused + 1
    policy_path.write_text(POLICY.replace("zebedee", "z3b"))
    assert file.look()


def test_there_is_no_start_without_a_policy(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        PolicyFile(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("version: 1\nrules: 3\n")
    with pytest.raises(PolicyError, match="line 2"):
        PolicyFile(tmp_path / "bad.yaml")


def test_the_watch_looks_by_itself_and_ends_when_told(policy_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_file, "LOOK_S", 0.01)
    file = PolicyFile(policy_path)
    watching = gevent.spawn(file.run)
    policy_path.write_text(POLICY.replace("zebedee", "zacharias"))
    before = file.policy
    with gevent.Timeout(10):
        while file.policy is before:
            gevent.sleep(0.01)
    file.stop()
    watching.get(timeout=5)
