"""How people write words so that a list does not find them: one function per trick, deterministic. Nothing measures."""

from __future__ import annotations

from collections.abc import Callable

_HOMOGLYPHS = str.maketrans("aceopxyiskABEKMHOPCTX", "асеорхуіѕкАВЕКМНОРСТХ")
_LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"})
_FULLWIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def plain(word: str) -> str:
    return word


def upper(word: str) -> str:
    return word.upper()


def homoglyphs(word: str) -> str:
    """Latin letters become Cyrillic ones that look the same; Cyrillic words the other way round."""
    back = {cyrillic: latin for latin, cyrillic in _HOMOGLYPHS.items()}
    return word.translate(_HOMOGLYPHS if word.isascii() or not set(map(ord, word)) & set(back) else back)


def fullwidth(word: str) -> str:
    return word.translate(_FULLWIDTH)


def zero_width(word: str) -> str:
    return "\u200b".join(word)


def combining(word: str) -> str:
    return "".join(f"{char}\u0336" if char.isalpha() else char for char in word)


def spaced(word: str) -> str:
    return "  ".join(" ".join(part) for part in word.split())


def dotted(word: str) -> str:
    return " ".join(".".join(part) for part in word.split())


def repeated(word: str) -> str:
    """Each second letter three times."""
    return "".join(char * 3 if at % 2 and char.isalpha() else char for at, char in enumerate(word))


def broken(word: str) -> str:
    """A space in the middle of each part of a phrase, two in a single word: `ki ll your self`, `su ici de`."""
    parts = word.split()
    pieces = 2 if len(parts) > 1 else 3
    return "  ".join(
        " ".join(part[at * len(part) // pieces : (at + 1) * len(part) // pieces] for at in range(pieces))
        for part in parts
    )


def leet(word: str) -> str:
    return word.translate(_LEET)


def mixed(word: str) -> str:
    """Leet in the first half, homoglyphs in the second, a zero-width character between them."""
    half = len(word) // 2
    return leet(word[:half]) + "\u200b" + homoglyphs(word[half:])


EVASIONS: dict[str, Callable[[str], str]] = {
    "as it is": plain,
    "capitals": upper,
    "homoglyphs": homoglyphs,
    "full width": fullwidth,
    "zero width": zero_width,
    "struck through": combining,
    "s p a c e d": spaced,
    "d.o.t.t.e.d": dotted,
    "repeeeated": repeated,
    "bro ken": broken,
    "l33t": leet,
    "mixed": mixed,
}
