"""What was typed -> what was meant, where that is plain: products' names, question words, anger. Floor: pure.

Nothing is guessed that could be another word: what is mended here is answered as if it had been typed so.
"""

from __future__ import annotations

import re

from knowledge.products import Catalogue
from knowledge.spelling import is_one_slip

MENDED_LETTERS = 5  # a shorter name is one slip from too many words
KEPT_WORDS = 2  # a clause with more words than these beside its anger is kept
SLIPS = {
    "when": "wen whn wehn hwen",
    "which": "wich whitch wihch whic whihc",
    "what": "wat waht wath whta",
    "where": "wher wehre whre",
    "how": "hwo hwow",
    "why": "wy whi",
    "often": "oftn offen ofen oftern",
    "much": "mutch muhc",
    "many": "manny meny",
    "long": "lomg logn",
}
# as they write in a chat
SHORT_FORMS = {"u": "you", "ur": "your", "r": "are", "n": "and", "pls": "please", "plz": "please", "cant": "can't"}
_MEANT = {slip: meant for meant, slips in SLIPS.items() for slip in slips.split()}
_SHORT = re.compile(rf"(?<![\w'’&/.-])(?:{'|'.join(SHORT_FORMS)})(?![\w'’&/.-])")  # "R" and "N" may be names
_GENERATION = re.compile(r"\b(1st|first|2nd|second|3rd|third)[ -]gen\b", re.IGNORECASE)
_NTH = {"1st": "first", "2nd": "second", "3rd": "third"}
_SLIPPED = re.compile(rf"\b(?:{'|'.join(_MEANT)})\b", re.IGNORECASE)
_GLUED = re.compile(r"\b(?:how|what|where|when|who)[^\W\d_]", re.IGNORECASE)
_GLUED_HOW = re.compile(r"\b(how)(?!ever\b|dy\b|l(?:s|ed|ing|er)?\b|itzers?\b)([a-z]{2,})\b", re.IGNORECASE)
_GLUED_IS = re.compile(r"\b(what|where|when|how|who)(is|are|do|does|s)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")

_CLAUSE_END = re.compile(r"(?<=[,;.!?])\s+|\s+[-–—]+\s+")
_BAD = (
    "ridiculous unbelievable unacceptable outrageous disgrace disgraceful annoying frustrating insane nonsense pathetic"
)
_WORSE = "rubbish garbage junk crap shit trash joke useless terrible awful horrible scandal"
_IS_BAD = "|".join(f"{_BAD} {_WORSE}".split())
_SWEARING = re.compile(
    r"\b(?:stupid|damn(?:ed)?|bloody|fuck(?:ing|ed)?|f\*+\w*|shit(?:ty)?|crap(?:py)?|goddamn|freaking|lousy)(?=\s+\w)",
    re.IGNORECASE,
)
_VENTING = re.compile(
    "|".join(
        (
            rf"^\W*(?:this|that|it)(?: is|'s) (?:\w+ ){{0,3}}(?:{_IS_BAD}|enough)\b",
            rf"^\W*(?:{'|'.join(_BAD.split())}|seriously|come on|really|wtf|omg|argh+|damn(?: thing| it)?)(?=\W|$)",
            r"^\W*(?:what the (?:hell|heck)|for (?:god|heaven|pete)'?s sake)(?=\W|$)",
            r"\bi(?: a|')?m (?:\w+ )?(?:angry|furious|fed up|annoyed|frustrated|mad|livid|disappointed)\b"
            r"(?: (?:of|with|about) (?:this|it|you|that)(?: \w+)?)?",
            r"\b(?:i(?: have|'ve)? )?had (?:it|enough)\b(?: (?:of|with) (?:this|it|you|that)(?: \w+)?)?",
            r"\b(?:i(?: am|'m)? )?(?:writ|ask|call|contact|tell|messag)(?:e|ing)?(?: \w+){0,3} (?:the|a)"
            r" (?:second|third|fourth|fifth|tenth|hundredth|umpteenth) time\b(?: now)?",
            r"^\W*(?:and )?(?:fix|solve|sort) (?:this|it|that)(?: out)?(?: now| immediately| at last)?\W*$",
            rf"^\W*you(?:r|rs)? (?:\w+ ){{1,3}}(?:is|are) (?:\w+ ){{0,2}}(?:{_IS_BAD})\W*$",
        )
    ),
    re.IGNORECASE,
)

# Most messages are calm, and a look at their words costs a third of the patterns: one of these is in all that match.
_HEATED = frozenset(
    f"{_BAD} {_WORSE} enough seriously come really wtf omg hell heck sake angry furious fed annoyed frustrated mad"
    " livid disappointed had time fix solve sort stupid damn damned bloody fuck fucking fucked shitty crappy"
    " goddamn freaking lousy".split()
)


def mend(text: str, catalogue: Catalogue) -> str:
    """The text with products' names and question words as they were meant."""
    return mend_names(mend_asking(text), catalogue)


def mend_asking(text: str) -> str:
    """The words that a question turns on, put right: "wen", "wheres", "howlong", "u". They decide what is asked for."""
    words = _words(text)
    if not words.isdisjoint(SHORT_FORMS):
        text = _SHORT.sub(lambda match: SHORT_FORMS[match[0]], text)
    if "gen" in words:
        text = _GENERATION.sub(lambda match: f"{_NTH.get(match[1].lower(), match[1])} generation", text)
    if _GLUED.search(text):
        text = _GLUED_HOW.sub(r"\1 \2", text)
        text = _GLUED_IS.sub(lambda match: f"{match[1]} {'is' if match[2] == 's' else match[2]}", text)
    return text if words.isdisjoint(_MEANT) else _SLIPPED.sub(lambda match: _MEANT[match[0].lower()], text)


def mend_names(text: str, catalogue: Catalogue) -> str:
    """The text with product names put right that are one slip off or in one word: "petrl", "lark2".

    Other words stay as they are.
    """
    for name in catalogue.names:
        if " " in name:
            joined = re.escape(name.replace(" ", ""))
            text = re.sub(rf"(?<!\w){joined}(?!\w)", name, text, flags=re.IGNORECASE)
    parts = {part.casefold(): part for name in catalogue.names for part in name.split() if len(part) >= MENDED_LETTERS}
    if not parts:
        return text

    def mended(match: re.Match[str]) -> str:
        word = match[0].casefold()
        if len(word) < MENDED_LETTERS - 1 or word in parts or word.removesuffix("s") in parts:
            return match[0]
        # slips hardly ever hit the first letter: a clover is no Plover
        near = [part for part in parts if part[0] == word[0] and is_one_slip(word, part)]
        return parts[near[0]] if len(near) == 1 else match[0]

    return _WORD.sub(mended, text)


def without_anger(text: str) -> str:
    """The text less the clauses and words that only tell how angry its writer is; the text itself if that is all."""
    kept = []
    clauses = _CLAUSE_END.split(text)
    words = _words(text)
    if words.isdisjoint(_HEATED) and "*" not in text and "argh" not in text.lower():
        return " ".join(" ".join(clauses).split()) if words else text
    for clause in clauses:
        rest = _VENTING.sub("", clause)
        if rest == clause:
            kept.append(_SWEARING.sub("", clause).strip())
        elif len(_WORD.findall(rest)) > KEPT_WORDS:
            kept.append(_SWEARING.sub("", rest).strip(" ,;.!"))
    said = " ".join(" ".join(kept).split())
    return said if _WORD.search(said) else text


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))
