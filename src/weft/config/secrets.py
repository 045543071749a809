"""Secrets in texts: found by their value, in the forms in which they usually slip out, and replaced by a mark.

Who knows the secrets of a run (`ResolvedRunConfig.secrets`: what came from the environment, and secret fields) makes one `Redaction` of them and
puts it in front of everything that is stored or shown. It cannot find what user code has changed beyond these forms; it is the net below, not a
licence to print passwords.
"""

from __future__ import annotations

from collections.abc import Iterable

HIDDEN = "(hidden)"
"""What stands in the place of a secret."""

LEAST_CHARACTERS = 6
"""Shorter texts are not looked for: a port, ``true`` or ``dev`` from the environment would black out half of every message."""

_LEAST_IN_BASE64 = 8
"""In bytes. A part of base64 that stands for less would be found by chance."""


class Redaction:
    """Finds these secrets in any text: as they are, as Python and JSON quote them, as in URLs, in base64 (alone or as a part of something
    longer, as in headers of basic authentication), and each line of a secret of several lines.

    Args:
        secrets: the texts; those with less than `LEAST_CHARACTERS` are left alone.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # Longest first: a secret that holds another one is hidden as a whole.
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._encoded = tuple(form.encode("utf-8", "surrogatepass") for form in self._forms)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def occurs_in(self, data: bytes) -> bool:
        """Whether any secret stands in `data`, which holds its texts as UTF-8."""
        return any(form in data for form in self._encoded)

    def text(self, text: str) -> str:
        """`text` with the mark in place of each secret."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        return text


def _forms(secret: str) -> set[str]:
    # Not needed by the definitions, which load this module for the mark: together they cost as much as the rest of its package.
    import json
    from urllib.parse import quote, quote_plus

    lines = [secret, *(line.strip() for line in secret.splitlines())]
    forms: set[str] = set()
    for line in lines:
        if len(line) >= LEAST_CHARACTERS:
            forms |= {line, repr(line)[1:-1], json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1]}
            data = line.encode("utf-8", "surrogatepass")
            forms |= {quote(data), quote(data, safe=""), quote_plus(data)}
            if len(data) >= _LEAST_IN_BASE64:
                forms |= _in_base64(data)
    return forms


def _in_base64(data: bytes) -> set[str]:
    """What is the same of the base64 of every text that holds `data`: three variants, by the place of its first byte within three."""
    import base64  # as above

    found = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode("ascii")
        # The first characters also carry what stands before, the last ones what stands behind.
        start, left_out = (0, 2, 3)[before], (0, 3, 2)[(before + len(data)) % 3]
        stable = encoded[start : len(encoded) - left_out]
        found |= {stable, stable.replace("+", "-").replace("/", "_")}
    return found
