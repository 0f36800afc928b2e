"""No. 40: every container image is built on and started by the digest of the lock, without rights it does not need.

Here is what the files say; that the lock refuses what it should is in tests/scripts/test_images.py.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from image_names import BY_DIGEST, OURS, PLACES, Image, files, images, strays, strays_in
from images import LOCK, checked
from tests.support import tree
from tests.support.tree import ROOT, texts

DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
WORKFLOWS: dict[str, dict[str, Any]] = {name: yaml.safe_load(text) for name, text in texts(".yml", under=".github")}
JOBS = {f"{name}:{key}": job["steps"] for name, flow in WORKFLOWS.items() for key, job in flow["jobs"].items()}
STEPS = [step for steps in JOBS.values() for step in steps]
USES_IMAGES = re.compile(r"docker |make image(?!s)|image-ref|images\.outputs")
IMAGES = images(ROOT)
DOCKER_FILE = re.compile(r"(?i)(?:docker|container)file|compose[\w.-]*\.ya?ml$")
HINT = "make images-lock, then give --env-file docker/images.lock"
PAGES = [*texts(".md", under="docs"), *texts(".md", under="runbooks"), ("README.md", (ROOT / "README.md").read_text())]


def test_every_image_is_named_by_the_locks_digest() -> None:
    assert strays(ROOT) == []
    assert {image.name.rpartition(":")[0] for image in IMAGES} == {
        "python", "postgres", "valkey/valkey", "prom/prometheus"
    }  # fmt: skip


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_an_image_by_its_tag_alone_is_found_wherever_it_stands(image: Image, tmp_path: Path) -> None:
    places = 0
    for name, text in files(ROOT):
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        bare = re.sub(rf"({re.escape(image.name)})@\$(?:\{{+[^}}]*\}}+|\w+)", r"\1", text)
        places += text.count(f"{image.name}@$") - bare.count(f"{image.name}@$")
        copy.write_text(bare)

    found = [line for line in strays(tmp_path) if image.name in line]
    assert places
    assert len(found) >= places


def test_no_other_file_builds_or_starts_images() -> None:
    looked_at = {path for place in PLACES for path in ROOT.glob(place)}

    assert [path for path in tree.files() if DOCKER_FILE.search(path.name) and path not in looked_at] == []


def test_each_service_is_ours_or_by_digest_and_says_what_to_do_without_one() -> None:
    named = {name: service["image"] for name, service in COMPOSE["services"].items() if "build" not in service}

    assert named
    assert {name for name, image in named.items() if f":?{HINT}}}" not in image or not BY_DIGEST.match(image)} == set()


def test_who_builds_the_image_gives_it_each_digest_that_it_asks_for() -> None:
    asked = set(re.findall(r"^ARG ([A-Z0-9_]+)", DOCKERFILE, re.MULTILINE))
    built = [service["build"]["args"] for service in COMPOSE["services"].values() if "build" in service]

    assert asked == {found[2] or found[3] or found[4] for found in BY_DIGEST.finditer(DOCKERFILE)}
    assert built == [{name: f"${{{name}:?{HINT}}}" for name in asked}]
    assert set(re.findall(r"--build-arg (\S+)", (ROOT / "Makefile").read_text())) == asked


def test_the_image_brings_no_digest_of_its_own_and_tells_the_one_it_was_given() -> None:
    assert set(re.findall(r"^ARG [^=\n]+=(.*)$", DOCKERFILE, re.MULTILINE)) == {"run-make-images-lock"}
    assert "LABEL org.opencontainers.image.base.digest=$PYTHON_3_13_SLIM" in DOCKERFILE


@pytest.mark.parametrize("job", JOBS)
def test_a_job_that_uses_images_writes_the_lock_before_and_keeps_it(job: str) -> None:
    steps: list[dict[str, Any]] = JOBS[job]
    using = [at for at, step in enumerate(steps) if USES_IMAGES.search(str(step))]
    locking = [at for at, step in enumerate(steps) if "make images-lock" in step.get("run", "")]

    assert len(locking) == bool(using)
    for at in locking:
        assert at < min(using)
        assert steps[at]["id"] == "images"
        assert 'docker/images.lock >> "$GITHUB_OUTPUT"' in steps[at]["run"]
        kept = steps[at + 1]["with"]
        assert kept == {"name": "images-lock", "path": "docker/images.lock", "if-no-files-found": "error"}


def test_continuous_integration_builds_and_reads_by_the_lock() -> None:
    ran = [step["run"] for step in STEPS if "docker" in step.get("run", "") or "make image " in step.get("run", "")]

    assert f"make image TAG={OURS}:audit" in ran
    assert any(line.startswith("docker compose --env-file docker/images.lock ") for line in ran)
    assert [line for line in ran if "docker build" in line] == []


def test_a_variable_of_a_step_is_the_digest_of_the_same_name() -> None:
    given = [entry for step in STEPS for entry in step.get("env", {}).items() if "images" in entry[1]]

    assert given
    assert [(key, value) for key, value in given if value != f"${{{{ steps.images.outputs.{key} }}}}"] == []


def test_what_is_built_or_started_was_scanned_by_the_same_digest() -> None:
    scanned = {step["with"]["image-ref"] for step in STEPS if "image-ref" in step.get("with", {})}
    base = {found[1] for found in BY_DIGEST.finditer(DOCKERFILE)}
    others = {f"{one.name}@${{{{ steps.images.outputs.{one.variable} }}}}" for one in IMAGES if one.name not in base}

    assert scanned == others | {f"{OURS}:audit"}


@pytest.mark.parametrize(("name", "text"), [pytest.param(*page, id=page[0]) for page in PAGES])
def test_what_a_page_has_people_type_goes_through_the_lock(name: str, text: str) -> None:
    known = {image.name.rpartition(":")[0] for image in IMAGES}
    typed = re.findall(r"docker(?:-| )compose .*", text)

    assert strays_in(text, known) == []
    assert [line for line in typed if "--env-file docker/images.lock" not in line] == []
    assert "docker build" not in text


def test_a_lock_that_is_in_the_tree_is_whole() -> None:
    assert not LOCK.exists() or {image.variable for image in IMAGES} == set(checked())


def test_the_image_runs_as_a_user_without_rights() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]

    assert re.findall(r"^USER (\S+)$", last, re.MULTILINE) == ["10001"]


def test_the_app_runs_on_a_read_only_file_system_without_capabilities() -> None:
    app = COMPOSE["services"]["app"]

    assert app["read_only"] is True
    assert app["cap_drop"] == ["ALL"]
    assert app["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in app
    assert "cap_add" not in app
    assert "user" not in app
