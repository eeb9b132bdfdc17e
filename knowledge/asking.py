"""A question and the conversation before it -> what to look for: a vector, weighed words, pairs. Floor: use case.

Earlier turns lean the vector and lend words, the more the nearer those words are to what is asked; concatenating turns
would lose a fifth of what is found. The figures behind each constant are in docs/decisions/0011.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from knowledge.documents import Turn
from knowledge.embedding import Embedder, Vectors
from knowledge.lexical import STOPWORDS, Lexical, canonical_code, rarity, terms
from knowledge.spelling import Correction, Speller
from knowledge.weighing import WordMeanings

FOLLOW_UP_WEIGHT = 0.2  # of the newest earlier turn of each side, beside the question's own 1
EARLIER = 0.5  # each turn further back counts this much of the one after it
TURNS = 3  # earlier turns of each side that are looked at
SELF_CONTAINED_WEIGHT = 0.5  # of a question that stands alone: its history counts half
FEW_WORDS = 4
LENT = 0.5  # a word of an earlier turn, beside one of the question, times the turn's weight
LENT_WORDS = 24  # at most: an assistant's answers are long, and each word costs its row of the index
MENDED = 0.8  # a word that was probably meant, beside one that was written
SPLIT_CODE = re.compile(r"(?<![^\W_])([a-z]{1,4})[ ](\d{1,4})(?![^\W_])")
REFERRING = re.compile(
    r"\b(?:it|its|they|them|their|theirs|this|that|these|those|he|him|his|she|her|one|ones|there|same|such|above|"
    r"instead|another|other|else|too|also)\b|^\s*(?:and|or|but|so|then|what about|how about)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a search looks for.

    `words` are the question's, as the index has them. `own`, `mended` and `lent` say how much each word of the
    question, each that was probably meant, and each of earlier turns counts; `pairs` do so for words that follow each
    other.
    """

    vector: Vectors
    words: tuple[str, ...]
    own: Mapping[str, float]
    pairs: Mapping[tuple[str, str], float]
    mended: Mapping[str, float] = field(default_factory=dict)
    lent: Mapping[str, float] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()


class QuestionEncoder:
    """Encodes questions and earlier turns, each text once: a conversation brings back all its turns every time."""

    SIZE = 2048

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> list[Vectors]:
        """A vector for each text, in order."""
        with self._lock:
            known = {text: self._vectors[text] for text in texts if text in self._vectors}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            made = self._embedder.encode(new)
            known.update({text: made[i] for i, text in enumerate(new)})
        with self._lock:
            for text in texts:
                self._vectors[text] = known[text]
                self._vectors.move_to_end(text)
            while len(self._vectors) > self.SIZE:
                self._vectors.popitem(last=False)
        return [known[text] for text in texts]

    def knows(self, word: str) -> bool:
        """Whether the model has a word of its own for this one: then it is no slip. False where a model cannot tell."""
        knows = getattr(self._embedder, "knows", None)
        return bool(knows(word)) if knows else False


def ask(
    question: str,
    history: Sequence[Turn],
    encoder: QuestionEncoder,
    lexical: Lexical,
    meanings: WordMeanings,
    speller: Speller,
    language: str | None = None,
) -> Asked:
    """What to look for in one release.

    Args:
        history: the conversation before the question, oldest first.
        language: of the question, if known; else its words are stemmed as the release's languages are.
    """

    def stems(text: str) -> tuple[str, ...]:
        return question_words(text, lexical, language)

    question = unicodedata.normalize("NFKC", question)  # the model knows no "ｗｉｄｅ" letters and no "ﬁ" in one
    corrections = tuple(speller.correct(question, encoder.knows, stems))
    words = stems(question)
    vector = question_vector(encoder, question, history, corrections)
    own = meanings.weigh(words, vector)
    meant = [word for one in corrections for word in one.meant if word not in own]
    mended = {word: MENDED * weight for word, weight in meanings.weigh(meant, vector).items()}
    lent = _lent(question, history, own, lexical, meanings, vector)
    read = _read(words, corrections)
    weights = {**own, **mended}
    pairs = {(a, b): min(weights[a], weights[b]) for a, b in pairwise(read) if a != b}
    return Asked(vector, words, own, pairs, mended, lent, corrections)


def question_words(question: str, lexical: Lexical, language: str | None = None) -> tuple[str, ...]:
    """The words of a question in its order, stemmed and with their codes written as the release has them."""
    languages = dict.fromkeys((*((language,) if language else ()), *lexical.languages, "en"))
    words = [
        next((word for word in ways if lexical.frequency(word)), ways[0])
        for ways in zip(*(terms(question, spoken) for spoken in languages), strict=True)
    ]
    split = (canonical_code(match[0]) for match in SPLIT_CODE.finditer(question.lower()) if not _is_plain(match[1]))
    words += [code for code in split if code and code not in words and lexical.frequency(code)]
    return tuple(word for word in words if not _is_known_otherwise(word, lexical))


def _is_plain(letters: str) -> bool:
    """Whether letters before a number are an ordinary word: "a 3-month trip" and "in 3 days" name no code."""
    return letters == "a" or (len(letters) > 1 and letters in STOPWORDS)


def _is_known_otherwise(word: str, lexical: Lexical) -> bool:
    """Whether an unknown code stands there in its other form: "E-04" is none where the release has it as "E4"."""
    code = canonical_code(word)
    return code not in (None, word) and not lexical.frequency(word) and lexical.frequency(code or "") > 0


def _read(words: Sequence[str], corrections: Sequence[Correction]) -> list[str]:
    """The words as they were probably meant."""
    meant = {stem: one.meant for one in corrections for stem in terms(one.written)}
    return [word for written in words for word in meant.get(written, (written,))]


def is_follow_up(question: str) -> bool:
    """Whether a question probably leans on what was said before: it refers to something, or says little itself."""
    return bool(REFERRING.search(question)) or len(set(terms(question))) <= FEW_WORDS


def weigh_turns(question: str, history: Sequence[Turn]) -> list[tuple[float, str]]:
    """Earlier turns that tell what the question is about, with their weights beside the question's 1."""
    scale = FOLLOW_UP_WEIGHT if is_follow_up(question) else FOLLOW_UP_WEIGHT * SELF_CONTAINED_WEIGHT
    weighed = []
    for role in ("customer", "assistant"):
        said = [turn.text for turn in history if turn.role == role and turn.text.strip()][-TURNS:]
        weighed += [(scale * EARLIER**age, text) for age, text in enumerate(reversed(said))]
    return weighed


def question_vector(
    encoder: QuestionEncoder, question: str, history: Sequence[Turn], corrections: Sequence[Correction] = ()
) -> Vectors:
    """The unit vector of the question, as written and as probably meant, leaning towards the turns before it."""
    weighed = weigh_turns(question, history)
    asked = [question, mend(question, corrections)] if corrections else [question]
    vectors = encoder.encode([*asked, *(text for _, text in weighed)])
    mixed = np.sum(vectors[: len(asked)], axis=0) / len(asked)
    for (weight, _), vector in zip(weighed, vectors[len(asked) :], strict=True):
        mixed = mixed + weight * vector
    return np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-12), np.float32)


def mend(question: str, corrections: Sequence[Correction]) -> str:
    """The question with what was probably meant in place of what was written."""
    for one in corrections:
        meant = " ".join(_surface(one.written, stem) for stem in one.meant)
        question = re.sub(rf"(?<![^\W_]){re.escape(one.written)}(?![^\W_])", meant, question, flags=re.IGNORECASE)
    return question


def _surface(written: str, stem: str) -> str:
    """A stem with the ending of the word that was written for it: "receiv" for "recieve" is "receive"."""
    stems = terms(written)
    if stems and written.startswith(stems[0]):
        return stem + written[len(stems[0]) :]
    return f"{stem[:-1]}y" if stem.endswith("i") else stem


def _lent(
    question: str,
    history: Sequence[Turn],
    own: Mapping[str, float],
    lexical: Lexical,
    meanings: WordMeanings,
    vector: Vectors,
) -> dict[str, float]:
    turns: dict[str, float] = {}
    for weight, text in weigh_turns(question, history):
        for word in terms(text):
            if word not in own and lexical.frequency(word):
                turns[word] = max(turns.get(word, 0.0), weight)
    near = meanings.weigh(turns, vector)
    weights = {word: LENT * weight * near[word] for word, weight in turns.items()}
    telling = sorted(weights, key=lambda word: -weights[word] * rarity(lexical.size, lexical.frequency(word)))
    return {word: weights[word] for word in telling[:LENT_WORDS]}
