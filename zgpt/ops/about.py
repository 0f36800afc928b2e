"""`GET /api/v1/app`: what the web app must know before anybody signs in."""

from flask import Blueprint
from pydantic import BaseModel

import zgpt
from zgpt.auth.mail import is_on
from zgpt.core.config import Settings, settings
from zgpt.core.openapi import operation

BUILT_IN_ID = "smollm2-135m-instruct"
BUILT_IN_NAME = "SmolLM2 135M"
BUILT_IN_ABOUT = "A small model that runs on this server: quick and private, not wise. Check what it says."
REMOTE_ABOUT = "Answers come from the model that this server is set up with. Check what it says."

blueprint = Blueprint("about", __name__, url_prefix="/api/v1")


class Model(BaseModel):
    """Who answers: its id, its name for people, and a sentence about it."""

    id: str
    name: str
    about: str


class Suggestion(BaseModel):
    """A question to begin with: its title on the card, and the text that is sent."""

    title: str
    text: str


class Limits(BaseModel):
    """What the server refuses above: bytes of a message in UTF-8."""

    message_bytes: int


class App(BaseModel):
    """This installation."""

    name: str
    version: str
    model: Model
    prompts: list[Suggestion]
    limits: Limits
    signup: bool
    mail: bool


PROMPTS = [
    Suggestion(title="Explain an idea", text="Explain how a rainbow forms, in three short sentences."),
    Suggestion(
        title="Write some code",
        text="Write a Python function that checks whether a word is a palindrome, with an example.",
    ),
    Suggestion(title="Plan a day", text="Suggest a relaxed Saturday in a city I have never visited, as a short list."),
]


@blueprint.get("/app")
@operation(summary="About this installation", auth="none", responses={200: App})
def about() -> App:
    """The same for everybody, signed in or not."""
    return App(
        name="Z-GPT",
        version=zgpt.__version__,
        model=model_of(settings()),
        prompts=PROMPTS,
        limits=Limits(message_bytes=settings().max_message_bytes),
        signup=True,
        mail=is_on(),
    )


def model_of(config: Settings) -> Model:
    """The model that these settings name."""
    if config.llm_base_url is None:
        return Model(id=BUILT_IN_ID, name=config.llm_name or BUILT_IN_NAME, about=BUILT_IN_ABOUT)
    known = config.llm_model or "default"
    return Model(id=known, name=config.llm_name or known, about=REMOTE_ABOUT)
