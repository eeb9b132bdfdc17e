"""Lines that belong to a site and not to a page: "Edit this page", "Was this helpful?". Floor: pure."""

from __future__ import annotations

import re

LINE = re.compile(
    r"""
    (?:✏️?\s*)?(?:edit|improve|view)\ (?:this|the)\ (?:page|article|doc|document)(?:\ (?:on|in)\ \w+)?|edit\ on\ git(?:hub|lab)
    |view\ (?:source|as\ markdown)|copy\ (?:page|link|to\ clipboard|code)|copied!?
    |(?:was|is|did\ you\ find)\ this\ (?:page|article|answer|doc|guide|information|section|topic)?\ ?helpful\ ?\??(?:\ yes\ ?[|/]?\ ?no)?
    |did\ this\ (?:answer|solve)\ your\ (?:question|problem|issue)\ ?\??|\d+\ out\ of\ \d+\ found\ this\ helpful
    |thanks\ for\ your\ feedback!?|(?:send|give|leave)\ (?:us\ )?feedback|have\ more\ questions\?\ submit\ a\ request
    |skip\ to\ (?:main\ |the\ )?content|back\ to\ top|return\ to\ top|scroll\ to\ top|jump\ to\ .{0,20}|on\ this\ page|in\ this\ article
    |table\ of\ contents|toggle\ (?:navigation|menu|sidebar)|(?:open|close)\ (?:menu|sidebar)|share\ (?:this\ (?:page|article)|on\ \w+)
    |print(?:\ this\ page)?|(?:←|«|‹)?\ ?(?:previous|prev|next)(?:\ (?:page|article|topic))?\ ?(?:→|»|›)?
    |\d+\ min(?:ute)?s?\ read|(?:yes|no|like|dislike|👍|👎|menu|search(?:\ docs)?)
    |(?:last\ )?(?:updated|modified|edited|reviewed)(?:\ on)?:?\ [\w\s,.:/+-]{4,40}(?:\ by\ [\w\s.-]{2,40})?
    |diese\ seite\ (?:bearbeiten|drucken)|war\ (?:dieser\ artikel|diese\ seite)\ hilfreich\ ?\??|nach\ oben|zum\ (?:haupt)?inhalt(?:\ springen)?
    |modifier\ cette\ page|cet\ article\ vous\ a-t-il\ été\ utile\ ?\??|haut\ de\ (?:la\ )?page
    |editar\ esta\ página|¿?te\ (?:ha\ sido|resultó)\ útil(?:\ este\ artículo)?\ ?\??
    """,  # noqa: E501
    re.X | re.I,
)
MARKS = re.compile(r"\]\([^()]*\)|[*_\[\]`]|^\s*[-*+>]\s+")
LONGEST = 90


def is_boilerplate(line: str) -> bool:
    """Whether a whole line, no heading, is what programs put around pages, whatever it is marked up as."""
    if len(line) > LONGEST + 200 or not line or line.startswith("#"):
        return False
    words = " ".join(MARKS.sub("", line).split())
    return 0 < len(words) <= LONGEST and LINE.fullmatch(words) is not None
