"""Which language a text is in: by its script, or by the small words that every sentence needs. Floor: pure.

A word that several languages share counts for each by its share, so that short texts decide by their own words.
"""

from __future__ import annotations

import re
from collections import Counter

SAMPLE_CHARS = 2500
ENOUGH_WORDS = 4.0  # function words, shared ones counted by their share: below this a text is too short to tell
CLEARLY = 1.35  # times as many as the next language has

SMALL_WORDS = {
    "en": "the of and to in is that it for you with on as are be this was have from or an by not at can your if will "
    "but we when what how do which there their has they",
    "de": "der die und das den von zu mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat "
    "dass sie nach wird bei einer um am sind noch wie einem über so zum kann wenn oder ihr ihre sie wir",
    "fr": "le la les de des et un une du en est que dans qui pour pas au sur se plus par je avec tout mais nous vous "
    "ou si leur cette ces sont été être votre vos aux ne ce",
    "es": "el la los las de que y en un una por con no para es se del al lo como más pero sus le ya o este sí porque "
    "esta son cuando muy sin sobre también hay puede su tiene usted",
    "pt": "o a os as de que e do da em um uma para com não por mais dos das no na se como mas foi ao ele seu sua ou "
    "quando muito nos já também só pelo pela até isso você são está ser",
    "it": "il lo la gli le di che e un una in per con non del della è sono si da al alla come più ma anche se nel "
    "nella dei delle questo questa ha essere può tuo suo ogni quando",
    "nl": "de het een en van ik te dat die in is niet zijn op aan met als voor had er maar om hem dan zou of wat mijn "
    "men dit zo door over bij ook tot uw je wordt kunt naar worden",
    "sv": "och det att i en jag hon som han på den med var sig för så till är men ett om hade de av icke mig du då nu "
    "har inte från eller kan ska vi din när",
    "da": "og det at i en jeg han som på den med var sig for så til er men et om havde de af ikke mig du da nu har fra "
    "eller kan skal vi din når også hvis efter bliver",
    "no": "og det at i en jeg han som på den med var seg for så til er men et om hadde de av ikke meg du da nå har fra "
    "eller kan skal vi din når også hvis etter blir",
    "fi": "ja on ei että se oli hän mutta ovat kun niin tai myös jos voi sen joka mitä kuin tämä ole ne sitä voit "
    "olla sinun kanssa",
    "pl": "i w na z się nie do to że jest o jak za po od ale przez dla lub są może czy ten tym który oraz być można "
    "jeśli tego",
    "cs": "a v na se je že s z do o to jako by pro ale jsou nebo od po při které který být jsem si může pokud tak jak "
    "není",
    "tr": "ve bir bu için ile da de olarak daha çok gibi olan en ne var mi ya kadar sonra veya değil her ise şekilde "
    "olur",
    "hu": "a az és hogy nem egy is van ez meg de ha mint csak már vagy el fel ki kell lehet azt ezt volt minden",
    "ro": "și de în la cu pe nu este o un care din să pentru mai sunt sau ce dar fi prin se al ale dacă poate",
    "id": "yang dan di untuk dengan tidak ini dari dalam akan pada itu juga adalah atau ke anda bisa dapat oleh",
    "vi": "và của là có được trong cho không các với để này một những khi từ bạn đến người về",
}
SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)
NOT_PROSE = re.compile(r"^(```+|~~~+).*?^\1\s*$|`[^`\n]*`|https?://\S+", re.S | re.M)
WORD = re.compile(r"[^\W\d_]+")
TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


def _weights() -> dict[str, list[tuple[str, float]]]:
    holders: dict[str, list[str]] = {}
    for language, words in SMALL_WORDS.items():
        for word in set(words.split()):
            holders.setdefault(word, []).append(language)
    return {word: [(language, 1 / len(held)) for language in held] for word, held in holders.items()}


WEIGHTS = _weights()


def detect_language(text: str) -> str | None:
    """The language of a text as an ISO 639-1 code; None when it is too short, mixed, or none of those known here."""
    prose = NOT_PROSE.sub(" ", text[: 4 * SAMPLE_CHARS])[:SAMPLE_CHARS]
    if by_script := _by_script(prose):
        return by_script
    counts: Counter[str] = Counter()
    for word in WORD.findall(prose.lower()):
        for language, weight in WEIGHTS.get(word, ()):
            counts[language] += weight  # type: ignore[assignment]  # a Counter adds up fractions as well
    ranked = counts.most_common(2)
    if not ranked or ranked[0][1] < ENOUGH_WORDS:
        return None
    if len(ranked) > 1 and ranked[0][1] < CLEARLY * ranked[1][1]:
        return None
    return ranked[0][0]


def declared_language(value: object) -> str | None:
    """A language tag as `en` or `pt-BR`, from what a file declares; None where that is no tag."""
    words = str(value).strip() if isinstance(value, str) else ""
    if not TAG.fullmatch(words) or words.lower() in ("und", "mul", "zxx", "none", "all"):
        return None
    primary, *rest = re.split(r"[-_]", words)
    return "-".join([primary.lower(), *(part.upper() if len(part) == 2 else part.title() for part in rest)])


def _by_script(prose: str) -> str | None:
    if prose.isascii():
        return None
    letters = sum(len(word) for word in WORD.findall(prose))
    for language, script in SCRIPTS:
        found = len(script.findall(prose))
        # Japanese is told by its kana, which are fewer than its Chinese characters
        if found >= 10 and found > (0.1 if language == "ja" else 0.4) * letters:
            return "uk" if language == "ru" and re.search(r"[іїєґ]", prose) else language
    return None
