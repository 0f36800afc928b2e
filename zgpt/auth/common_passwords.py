"""Which passwords everybody tries first. How long one must be is in `schemas`, how it is stored in `passwords`."""

import string
import unicodedata

from zgpt.auth.listed_passwords import listed_passwords

_TRIMMED_CHARS = 6
"""A common word stays common with this many digits and signs around it: `Summer2026!`."""
_WALKED_CHARS = 4
"""A run of neighbours on the keyboard, or of the alphabet, begins to count as one at this length."""
_UNIT_CHARS = 4
"""The longest piece whose mere repetition is no password: `abcdabcdabcd`."""

_LEET = str.maketrans("0134578@$!+", "oieastbasit")
_ROWS = (
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "qwertzuiop",
    "yxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "!@#$%^&*()",
)
_WALKS = tuple(row for walk in _ROWS for row in (walk, walk[::-1]))

_WORD_LIST = """
    aaliyah abcdef abigail access account admin administrator adobe airplane alabama alexander alexandra alpha
    amanda america amore amsterdam anderson andrea andrew angel angela angels anthony apple april archer
    arsenal arthur asshole assistant athena august austin australia autumn awesome azerty babygirl bailey
    banana barcelona barney baseball basketball bastard batman beautiful berlin biteme blackbird blessed
    blessing blink bonjour booboo boomer boston brandon brazil broncos buddy bullshit business buster
    butterfly california camaro canada captain carlos caroline casper chang changeit changeme charles charlie
    charlotte chat chatbot chatgpt cheese chelsea chester chicago chicken chocolate chris christian christine
    christmas ciao claudia cocacola coffee college company compaq computer connect contrasena cookie cooper
    corvette cowboy cowboys crystal daniel daniela danielle database david december deepak default demo denver
    desktop destiny diablo diamond digital dolphin dolphins donald doudou dragon dragonball dreams eagles
    edward einstein elephant elizabeth eminem england enter everton facebook family fanatic february ferrari
    fireball firebird fishing flower flowers football forever forget france frankie freedom freepass friday
    friend friends fuckoff fuckyou garfield gateway george germany ginger goldfish google gordon gpt grandma
    guest guitar hallo hamster hannah happy happyday hardcore harley harrypotter heaven hejsan hello
    hellokitty helloworld helpme hockey holiday home hunter iceman iloveu iloveyou india internet iphone
    ironman isabella jackson jaguar january jasmine jasper jennifer jeremy jessica jesus jesuschrist johnson
    jonathan jordan joseph joshua july june junior justice justin juventus katherine kennwort killer kimberly
    kitten knight ladybug lakers lauren legend letmein letmeinnow lincoln linkedin liverpool login london
    lovely loveme lovers loveyou lucky maggie manager manchester march marina marine marlboro martin marvel
    master matrix matthew maverick maximus melissa mercedes mexico michael michelle mickey midnight miller
    minecraft monday money monica monkey monster morgan motdepasse mother motorola mountain muffin music
    mustang myname mypassword naruto nascar natalie natasha newpass newpassword newyork nicholas nicole
    nintendo nirvana nothing november oblivion october oliver olivia openai orange packers pakistan panther
    panties paris parola pass passion passme passw passwd password passwort patricia patrick patriots peace
    peanut pepper phoenix pikachu playboy please pokemon poland police porsche portugal prince princess
    private purple pussy qazwsx qwert qwerty rabbit rachel raiders rainbow ranger realmadrid rebecca redsox
    richard robert rocket rockstar root rosebud runner russia sabrina sakura samantha samsung sanchez saturday
    schatz scooter scorpion scotland secret secretpassword secure security senha september server service
    shadow shannon shopping silver simple sister skywalker slayer slipknot smokey smollm snoopy snowball
    soccer soleil sophie spain sparky spider spiderman spring squirrel star startrek starwars steelers
    stephanie steven strawberry success summer sunday sunflower sunset sunshine superman superstar support
    sweden sweetheart sweetie system taylor teacher tennis test tester testing testpass testtest thomas
    thunder thursday tiger tigers tigger timothy tinker titanic topsecret toyota travel trustno trustnoone
    tuesday turtle twitter unicorn united unknown user username vanessa veronica victoria viking vincent
    virginia volkswagen warcraft warrior webmaster wednesday welcome welcomehome westham whatever widget
    william willow windows winner winter wizard wolverine wordpass wordpress work yamaha yankees yellow
    yourpassword z-gpt zaq zchat zgpt zxcvbnm
"""
_WORDS = frozenset(_WORD_LIST.split())


def is_common(password: str, *own_words: str) -> bool:
    """Whether it is among what is tried first: a common word, a leaked one, `own_words`, a walk, a repetition."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    if _is_repetition(plain) or _is_walk(plain):
        return True
    known = _WORDS | {word.casefold() for word in own_words if len(word) >= _WALKED_CHARS}
    return any(_is_known(core, known) for core in _cores(plain))


def _cores(plain: str) -> set[str]:
    """The password without the digits and signs around it, as typed and with the usual digits for letters undone."""
    around = string.digits + string.punctuation + string.whitespace
    bare = {text.strip(around) for text in (plain, plain.translate(_LEET))} | {plain.strip(around).translate(_LEET)}
    return {core for core in bare if core and len(plain) - len(core) <= _TRIMMED_CHARS} | {plain}


def _is_known(core: str, known: frozenset[str]) -> bool:
    """Whether it is a known word, or two of them joined (`admin_password`, `loveyoubaby` is not worth more)."""
    if core in known or core in listed_passwords():
        return True
    joined = "".join(char for char in core if char.isalnum())
    return any(joined[:cut] in known and joined[cut:] in known for cut in range(1, len(joined))) or joined in known


def _is_repetition(plain: str) -> bool:
    return any(plain == (plain[:size] * len(plain))[: len(plain)] for size in range(1, _UNIT_CHARS + 1))


def _is_walk(plain: str) -> bool:
    """Whether it is made of keyboard walks only: `qwerty12345`, `abcd1234`, `1qaz2wsx`."""
    rest = plain
    while rest:
        step = max((_walked(rest, row) for row in _WALKS), default=0)
        if step < min(_WALKED_CHARS, len(plain)):
            return False
        rest = rest[step:]
    return True


def _walked(text: str, row: str) -> int:
    """How many of the first characters of `text` stand side by side in the row."""
    size = len(text)
    while size and text[:size] not in row:
        size -= 1
    return size
