"""robots.txt -> what may be fetched, and how slowly (RFC 9309; Crawl-delay as most crawlers read it). Floor: pure."""

from __future__ import annotations

from dataclasses import dataclass

MAX_CHARS = 512_000  # RFC 9309, section 2.5: at least 500 KiB are read
MAX_DELAY_SECONDS = 30.0
AGENT_NAME = "tellonce"


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules meant for us: (may be fetched, path pattern), and the seconds to leave between two requests."""

    rules: tuple[tuple[bool, str], ...] = ()
    delay_seconds: float = 0.0

    def allows(self, path: str) -> bool:
        """Whether a path with its query may be fetched: the longest pattern decides, the kinder of two alike."""
        matching = [(len(pattern), allowed) for allowed, pattern in self.rules if _matches(pattern, path)]
        return max(matching, default=(0, True))[1]


def parse_robots(text: str, agent: str = AGENT_NAME) -> Robots:
    """The rules of the groups that name the agent, or else of those for everybody."""
    groups: dict[str, list[tuple[str, str]]] = {}
    names: list[str] = []
    in_rules = False
    for line in text[:MAX_CHARS].lstrip("\ufeff").splitlines():
        key, colon, value = (part.strip() for part in line.split("#", 1)[0].partition(":"))
        key = key.lower()
        if not colon:
            continue
        if key == "user-agent":
            names = [value.lower()] if in_rules else [*names, value.lower()]
            in_rules = False
            groups.setdefault(value.lower(), [])
        elif key in ("allow", "disallow", "crawl-delay"):
            in_rules = True
            for name in names:
                groups[name].append((key, value))
    lines = groups.get(agent, groups.get("*", []))
    rules = tuple((key == "allow", value) for key, value in lines if key != "crawl-delay" and value)
    return Robots(rules, max((_seconds(value) for key, value in lines if key == "crawl-delay"), default=0.0))


def _seconds(value: str) -> float:
    try:
        return min(max(float(value), 0.0), MAX_DELAY_SECONDS)
    except ValueError:
        return 0.0


def _matches(pattern: str, path: str) -> bool:
    """Whether a pattern with `*` and a final `$` matches the beginning of a path, in time linear in both."""
    anchored = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    place = len(first)
    for i, part in enumerate(rest):
        if anchored and i == len(rest) - 1:
            return len(path) - len(part) >= place and path.endswith(part)
        found = path.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return not anchored or place == len(path)
