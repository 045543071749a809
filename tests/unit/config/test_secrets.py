"""Secrets are found in the forms in which they slip out, and nothing else is touched."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, strategies as st

from weft.config.secrets import HIDDEN, LEAST_CHARACTERS, Redaction

SECRETS = st.text(min_size=LEAST_CHARACTERS, max_size=40).filter(lambda text: text not in HIDDEN)


@given(SECRETS, st.text(), st.text())
def test_no_text_keeps_a_secret(secret: str, before: str, after: str) -> None:
    hidden = Redaction([secret]).text(f"{before}{secret}{after}")
    assert secret not in hidden.replace(HIDDEN, "\0") or "\0" in secret


@pytest.mark.parametrize(
    "write",
    [
        str,
        repr,
        json.dumps,
        lambda secret: json.dumps(secret, ensure_ascii=False),
        quote,
        lambda secret: quote(secret, safe=""),
        quote_plus,
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
        lambda secret: base64.b64encode(f"u:{secret}@".encode()).decode(),
        lambda secret: base64.b64encode(f"us:{secret}".encode()).decode(),
        lambda secret: base64.b64encode(f"user:{secret}@host".encode()).decode(),
    ],
)
@pytest.mark.parametrize("secret", ["hunter2-hunter2", "p@ss wörd/+\"'\\&\t=?", "~~~~????>>>>"])
def test_a_secret_is_found_in_the_forms_in_which_it_slips_out(secret: str, write) -> None:  # type: ignore[no-untyped-def]
    redaction = Redaction([secret])
    text = f"before {write(secret)} after"
    assert redaction.occurs_in(text.encode())
    hidden = redaction.text(text)
    assert HIDDEN in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")


def test_each_line_of_a_secret_of_several_lines_is_found() -> None:
    key = "-----BEGIN KEY-----\n  MIIabcdefgh\n-----END KEY-----"
    hidden = Redaction([key]).text("could not parse MIIabcdefgh")
    assert hidden == f"could not parse {HIDDEN}"


def test_a_secret_that_holds_another_one_is_hidden_as_a_whole() -> None:
    assert Redaction(["secret", "secret-and-more"]).text("a secret-and-more b") == f"a {HIDDEN} b"


def test_short_texts_are_left_alone() -> None:
    redaction = Redaction(["5432", "true", ""])
    assert not redaction
    assert redaction.text("true of port 5432") == "true of port 5432"
