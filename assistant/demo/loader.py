"""The demo shop as data: the page's texts, the customers, the knowledge folder. Floor: files in, plain dicts out.

`tellonce demo` calls these three; `make_manuals.py` tells how the PDF and DOCX manuals come to be.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from assistant.demo.make_manuals import write_knowledge

__all__ = ["load_customers", "load_shop", "write_knowledge"]

DEMO_FOLDER = Path(__file__).parent


def load_shop() -> dict[str, Any]:
    """The shop page: company, products (one drawing a product `id`), policies, suggested questions."""
    return cast(dict[str, Any], json.loads((DEMO_FOLDER / "shop.json").read_text(encoding="utf-8")))


def load_customers() -> list[dict[str, Any]]:
    """Twelve customers shaped like `profile.customer.Customer`, each with a one-line `note` for the sign-in switch."""
    return cast(list[dict[str, Any]], json.loads((DEMO_FOLDER / "customers.json").read_text(encoding="utf-8")))
