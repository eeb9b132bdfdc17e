"""Files and pages -> Documents in one light Markdown, whatever they were before. Floor: store; `files.py` is the door.

Light Markdown: `#` headings, pipe tables, `- ` and `1. ` lists, fenced code, `> ` notes, paragraphs; no raw HTML.
"""
