"""How many tokens a text costs. Floor: pure, but for reading tiktoken's table once.

The table is never downloaded: an answer must not wait for, or tell, a third party. Without it the count is a careful
estimate, one warning says so, and budgets hold a little less text than they could.
"""

from __future__ import annotations

import functools
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

logger = structlog.get_logger(__name__)

ENCODING = "o200k_base"
TABLE_FILE = "fb374d419588a4632f3f557e76b4b70aebbca790"  # sha1 of the table's URL: tiktoken's own name for its cache
MESSAGE_OVERHEAD = 4  # role and separators of one chat message


class TokenCounter:
    """Counts tokens exactly when tiktoken's table is on this machine, otherwise from above. Thread-safe."""

    def __init__(self, *, exact: bool | None = None) -> None:
        """`exact`: None finds out; False always estimates."""
        self._exact = exact
        self._lock = threading.Lock()
        self._count: Callable[[str], int] | None = None
        self._cached = functools.lru_cache(maxsize=4096)(self._count_anew)

    def count(self, text: str) -> int:
        """The tokens of `text`: never fewer than the model counts with the table, usually more without it."""
        return self._cached(text) if text else 0

    def fits(self, text: str, budget_tokens: int) -> bool:
        """Whether the text costs at most that much. No token is shorter than a byte, so short texts need no count."""
        return (
            len(text) * 4 <= budget_tokens or len(text.encode()) <= budget_tokens or self.count(text) <= budget_tokens
        )

    def cut(self, text: str, budget_tokens: int) -> str:
        """The longest beginning of the text, whole words, within the budget."""
        if not text or self.fits(text, budget_tokens):
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.count(text[:middle]) <= budget_tokens:
                low = middle
            else:
                high = middle - 1
        kept = text[:low]
        return kept.rsplit(None, 1)[0] if low < len(text) and " " in kept.strip() else kept

    def warm_up(self) -> None:
        """Reads the table (0.3 s) now rather than in somebody's turn."""
        self.count("warm")

    def _count_anew(self, text: str) -> int:
        with self._lock:
            if self._count is None:
                self._count = self._open()
        return self._count(text)

    def _open(self) -> Callable[[str], int]:
        if self._exact is False or not table_is_here():
            if self._exact is not False:
                logger.warning("tokens.estimated", remedy=f"put {TABLE_FILE} in TIKTOKEN_CACHE_DIR for exact counts")
            return estimate
        import tiktoken

        encoding = tiktoken.get_encoding(ENCODING)
        return lambda text: len(encoding.encode_ordinary(text))


def estimate(text: str) -> int:
    """Tokens from above for prose: o200k_base takes 4 to 5 letters of English a token, fewer of all else."""
    plain = sum(1 for character in text if character.isascii() and (character.isalpha() or character.isspace()))
    other = sum(1 for character in text if character.isascii()) - plain
    foreign = len(text.encode()) - plain - other
    return -(-plain // 3) + other + -(-foreign // 2)


def table_is_here() -> bool:
    """Whether tiktoken would find its table without the network."""
    folder = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    place = Path(folder) if folder else Path(tempfile.gettempdir()) / "data-gym-cache"
    return (place / TABLE_FILE).is_file()
