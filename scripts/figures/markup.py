"""HTML from text: everything that comes from a file passes `text` or `tag` and is escaped there."""

from html import escape


class Markup(str):
    """HTML that is safe to put into a page as it is."""


def text(value) -> Markup:
    """Anything, escaped, unless it is markup already."""
    return value if isinstance(value, Markup) else Markup(escape(str(value), quote=True))


def join(parts, between: str = "") -> Markup:
    return Markup(text(between).join(text(part) for part in parts))


def tag(name: str, /, *content, **attributes) -> Markup:
    """<name attributes>content</name>; `class_` and the like lose their underscore, others turn it into a dash."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in ("img", "meta"):
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(content)}</{name}>")


def slug(words: str) -> str:
    """For an anchor: letters and digits, dashes between."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in words.lower()).split())
