"""Which words name a container image, and which of them name it by the lock's digest."""

import pytest

from image_names import strays_in, variable_of

KNOWN = {"postgres", "prom/prometheus"}


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("postgres:18", "POSTGRES_18"),
        ("prom/prometheus:v3.8.0", "PROM_PROMETHEUS_V3_8_0"),
        ("registry.example:5000/a/b-c:1.2", "REGISTRY_EXAMPLE_5000_A_B_C_1_2"),
    ],
)
def test_another_name_or_tag_is_another_variable(name: str, variable: str) -> None:
    assert variable_of(name) == variable


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3@${PYTHON_3}",
        "FROM --platform=$BUILDPLATFORM python:3@${PYTHON_3:?words} AS build\nFROM build\nCOPY --from=build /a /a",
        "FROM scratch",
        "COPY --from=python:3@$PYTHON_3 /a /a",
        "  image: postgres:18@${POSTGRES_18:?run make images-lock, and then again}",
        '  image: "localhost:5000/postgres:18@${LOCALHOST_5000_POSTGRES_18}"',
        "  image-ref: postgres:18@${{ steps.images.outputs.POSTGRES_18 }}",
        "  image-ref: z-gpt:audit",
        "docker run --rm --volume a:/b \\\n  prom/prometheus:v3@$PROM_PROMETHEUS_V3 test",
        "docker run --rm z-gpt",
        "docker build -f docker/Dockerfile .",
        "  postgres: { condition: service_healthy }\n  container:\n    # an image: of words",
        "DATABASE_URL: postgresql://zgpt@postgres/zgpt",
    ],
)
def test_what_is_by_the_locks_digest_or_our_own_passes(text: str) -> None:
    assert strays_in(text, KNOWN) == []


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3",
        "FROM python",
        "FROM ${PYTHON_IMAGE}",
        "FROM --platform=linux/amd64 python:3 AS build",
        "from python:3 as build",
        "COPY --from=busybox:1 /a /a",
        "RUN --mount=type=bind,from=busybox,target=/a true",
        "# syntax=docker/dockerfile:1",
        "  image: redis",
        "  image: redis:8",
        "  - image: 'redis:8'",
        "services: {db: {image: redis:8}}",
        "  image: ${REDIS_IMAGE:?choose one}",
        "  image: ${REDIS_IMAGE:-redis:8}",
        "  image: redis:8@${REDIS_8:-}",
        "  container: node:24",
        "  image-ref: redis:8",
        "  uses: docker://alpine:3",
        "docker run --rm alpine true",
        "docker pull alpine:3",
        "docker container run \\\n  --rm alpine true",
        "words about postgres:18 and more",
        'echo "prom/prometheus:v3"',
        "  image: z-gptx:1",
    ],
)
def test_any_other_name_is_told(text: str) -> None:
    assert [line for line, _ in strays_in(text, KNOWN)] == [1]


def test_a_digest_behind_another_tag_is_told_with_the_name_that_it_should_have() -> None:
    assert strays_in("\nFROM python:4@${PYTHON_3}", KNOWN) == [
        (2, "the digest of python:4 is called PYTHON_4, not PYTHON_3")
    ]


def test_a_line_is_counted_past_lines_that_go_on() -> None:
    text = "run: |\n  docker run \\\n    z-gpt:audit\n  docker run \\\n    redis:8\n"

    assert strays_in(text, KNOWN) == [(4, "docker run redis:8 names no image by the lock's digest")]
