"""Tellonce: a self-hosted customer-support assistant. Customers tell it once.

Start at `app.py` (what is built), then `journal/events.py` (what everything reads and writes).
"""

__version__ = "0.1.0"
