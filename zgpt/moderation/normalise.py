"""What a character stands for, whatever it is dressed as: one symbol for each, so that offsets stay those of the text.

The steps, per character: compatibility decomposition (NFKD), strip combining and format characters, skeleton of
confusables (in the spirit of UTS #39, a table of our own), casefold, leet. De-spacing is the matcher's: it steps over
`SEPARATOR` and judges the gaps of what it found. Not here: any matching.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SEPARATOR = " "
IGNORED = "\0"
"""Symbol of what is not seen: zero-width and other format characters, combining marks, variation selectors."""
UNSURE = "!|"
"""Letters only between two letters: `k!ll` is a word, `Kill!` ends with one. The character behind decides."""

_KEPT_ENTRIES = 20_000
"""More characters than any conversation has; without a bound somebody could fill the memory with all of Unicode."""
_EXPANDED = 0xF0000
"""From here on, in a private plane: symbols of characters that are several letters."""
_UNSEEN = {"Mn", "Me", "Cf"}

_CYRILLIC = zip("авекмнорстухѕіјԁһӏԛԝѵ", "abekmhopctyxsijdhlqwv", strict=True)
_GREEK = zip("αβεικνορτυχγηωΗΝΡΧΥΒΖΜϲ", "abeikvoptuxynwhnpxybzmc", strict=True)
_LATIN = zip("ıłøđħŧɑɡɩʀɴʜʟᴀʙᴄᴅᴇꜰɢɪᴊᴋᴍᴏᴘꜱᴛᴜᴠᴡʏᴢƒ", "ilodhtagirnhlabcdefgijkmopstuvwyzf", strict=True)
_OTHERS = zip("օսհգցᎪᏴᏟᎠᎬᎻᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃ℮∂", "ouhqgabcdehjklmprstvwzed", strict=True)
_SKELETON = {ord(seen): meant for pairs in (_CYRILLIC, _GREEK, _LATIN, _OTHERS) for seen, meant in pairs}
# Letters in black circles and squares, and the halves of flags, which no decomposition takes apart.
_SKELETON |= {start + at: chr(97 + at) for start in (0x1F150, 0x1F170, 0x1F1E6) for at in range(26)}
_SKELETON |= {ord("æ"): "ae", ord("œ"): "oe"}

_LEET = {"0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b"}
_SIGNS = {"@": "a", "$": "s", "€": "e", "!": "il", "|": "il"}
_CLASS = {"l": "i", "1": "i", "0": "o", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b"}
_BETWEEN = re.compile(r"(?<=[^\W_])[!|](?=[^\W_])")


@lru_cache(maxsize=4_096)
def plain(char: str) -> str:
    """The letters and digits that the character is, folded: `Ⓚ` is `k`, `ß` is `ss`; or SEPARATOR, or IGNORED."""
    kept, seen = "", False
    for part in unicodedata.normalize("NFKC", char):
        base = _without_marks(part)
        if unicodedata.category(base) in _UNSEEN:
            continue
        seen = True
        meant = _SKELETON.get(ord(base)) or "".join(_SKELETON.get(ord(c), c) for c in base.casefold())
        kept += "".join(c for c in meant if _is_letter(c))
    return kept or (SEPARATOR if seen else IGNORED)


def _without_marks(char: str) -> str:
    parts = unicodedata.normalize("NFD", char)
    first, marks = parts[0], parts[1:]
    return first if all(unicodedata.category(mark) in _UNSEEN for mark in marks) else char


def _is_letter(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LN" or category == "Mc"


@lru_cache(maxsize=4_096)
def looks_like(char: str) -> tuple[str, ...]:
    """All that the character may stand for, the likeliest first: `1` is `1`, `i` or `l`; `I` is `i` or `l`."""
    if char in _SIGNS:
        return tuple(_SIGNS[char])
    letters = plain(char)
    if letters == "i" and char in "IІΙ":
        return ("i", "l")
    return (letters, *_LEET.get(letters, ""))


def class_of(letters: str) -> str:
    """The symbols under which letters are found: what may stand for one another has one symbol."""
    return "".join(_CLASS.get(letter, letter) for letter in letters)


class SymbolTable(dict[int, str]):
    """For `str.translate`: exactly one symbol for each character. What is several letters gets a symbol of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.expansions: dict[str, str] = {}
        self._symbols: dict[str, str] = {}

    def __missing__(self, code: int) -> str:
        symbol = self._symbol(chr(code))
        if len(self) < _KEPT_ENTRIES:
            self[code] = symbol
        return symbol

    def _symbol(self, char: str) -> str:
        if char in _SIGNS:
            return class_of(_SIGNS[char][0])
        letters = class_of(plain(char))
        if len(letters) == 1:
            return letters
        symbol = self._symbols.setdefault(letters, chr(_EXPANDED + len(self.expansions)))
        self.expansions[symbol] = letters
        return symbol


class FoldTable(dict[int, str]):
    """For `str.translate`: the character as patterns see it, with its case: `Ａ` is `A`, `é` is `e`, the rest stays.

    What is not seen is IGNORED.
    """

    def __missing__(self, code: int) -> str:
        folded = self._fold(chr(code))
        if len(self) < _KEPT_ENTRIES:
            self[code] = folded
        return folded

    def _fold(self, char: str) -> str:
        letters = plain(char)
        if letters == IGNORED:
            return IGNORED
        if len(letters) == 1 and _is_letter(letters):
            upper = letters.upper()
            return upper if char.isupper() and len(upper) == 1 else letters
        base = unicodedata.normalize("NFKC", char)
        base = base if len(base) == 1 else char
        return {"Zs": " ", "Pd": "-"}.get(unicodedata.category(base), base)


SYMBOLS = SymbolTable()
FOLDS = FoldTable()


def symbols(text: str, before: str) -> str:
    """One symbol for each character of `text`; `before` is what stands in front of it, or empty.

    The last character must not be of `UNSURE` unless the text ends there.
    """
    if "!" in text or "|" in text:
        whole = _BETWEEN.sub("1", before + text)[len(before) :]
        text = whole.replace("!", " ").replace("|", " ")
    return text.translate(SYMBOLS)
