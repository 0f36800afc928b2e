"""A small policy, and texts full of what it looks for, cut into pieces; shared by the tests of the filter."""

from itertools import pairwise

from hypothesis import strategies as st

from zgpt.moderation.policy import load_policy
from zgpt.moderation.rules import Policy
from zgpt.moderation.stream import StreamFilter

POLICY = """
version: 1
rules:
  - id: words
    category: words
    action: block
    terms: [forbidden fruit, snozz, gefährlich*, запретный плод, yasak kelime]
  - {id: names, category: names, action: redact, replacement: '#', terms: [zebedee, the zeb, max]}
  - id: numbers
    category: numbers
    action: redact
    replacement: '##'
    patterns: ['\\b[0-9](?:[ -]?[0-9]){5,9}\\b', '\\bkey-[a-z]{4,20}\\b']
  - {id: marked, category: marked, action: flag, terms: [odd], patterns: ['(?i)strange{1,3}']}
  - {id: patterned, category: patterned, action: block, patterns: ['\\bboom [0-9]{1,3}!']}
"""
BLOCKED = [
    "forbidden fruit",
    "Forbidden   Fruit",
    "f o r b i d d e n  f r u i t",
    "forb1dden frui7",
    "fоrbidden frυit",  # Cyrillic o, Greek u
    "for\u200bbid\u00adden fr\u0301uit",
    "ＦＯＲＢＩＤＤＥＮ ＦＲＵＩＴ",
    "f.o.r.b.i.d.d.e.n f.r.u.i.t",
    "forb!dden fru!t",
    "forbiddenfruit",
    "snozz",
    "sn0zz",
    "s-n-o-z-z",
    "gefährliche",
    "gefahrlich",
    "ЗАПРЕТНЫЙ ПЛОД",
    "YASAK KELİME",
    "forrrbiddennn frrruit",
    "forbidden fruitt",
    "FFFORBIDDEN FRUIIIIIIIIIIIIIT",
    "for bid den fru it",
    "f o r b i d d e n f r u i t",
    "f.orb-idden fr_uit",
    "f oo r b i d d e n  f r u i t",
    "ffоrbidden frυυit",
    "snoooozz",
    "sn0000000zz",
    "gefährrrliche",
    "gef ähr lich",
    "запрееетный плод",
    "yasak keliiime",
    "boom 42!",
]
PIECES = [
    *BLOCKED,
    "zebedee",
    "z e b e d e e",
    "zebeeedee",
    "zzzebedeeeee",
    "ze be dee",
    "snnoz",
    "z" * 70,
    "o" * 70,
    "ss",
    "i",
    "ll",
    "the zeb",
    "Zebédee",
    "max",
    "maximum",
    "123456",
    "12 34-56 78",
    "12345678901234",
    "key-abcd",
    "key-",
    "odd",
    "oddly",
    "STRANGEE",
    "boom ",
    "boom 1234!",
    "forbidden",
    "fruit",
    "snoz",
    "snozzle",
    "the",
    " ",
    " ",
    " ",
    ".",
    "!",
    "|",
    "-",
    "\u200b",
    "é",
    "ß",
    "привет",
    "ﬁ",
    "1",
    "l",
    "z",
    "\n",
    "a",
    "\u200b" * 40,
    "🙂",
]


def policy(text: str = POLICY) -> Policy:
    return load_policy(text.encode())


def texts() -> st.SearchStrategy[str]:
    """Texts of words that the policy knows, almost knows and does not know."""
    piece = st.one_of(st.sampled_from(PIECES), st.text(max_size=3))
    return st.lists(piece, max_size=12).map("".join)


def cut(text: str, places: list[int]) -> list[str]:
    """The text in pieces, cut at these places."""
    bounds = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:end] for start, end in pairwise(bounds)]


def through(stage_of: Policy, pieces: list[str]) -> tuple[list[str], StreamFilter]:
    """What comes out after each piece, and at the end."""
    stream = StreamFilter(stage_of.answer)
    return [*(stream.feed(piece) for piece in pieces), stream.finish()], stream
