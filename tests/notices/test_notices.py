"""What a notice says, whatever the sites say of themselves."""

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import notices
from crawler.notices import Receiver, Site

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OPERATION = {"id": "op-1", "summary": "same TRON wallet on 2 sites", "categories": ["gambling"]}


def notice(receiver: Receiver, language: str = "en") -> notices.Notice:
    (written,) = notices.write(OPERATION, [receiver], [], contact="me@cert.test", language=language)
    return written


@pytest.mark.parametrize("language", notices.languages())
@pytest.mark.parametrize("role", notices.ROLES)
def test_every_language_has_every_text(language: str, role: str) -> None:
    site = Site("a.test", "reason", (("s", "v"),), "t", "f00", "c", "r", "192.0.2.1", "AS1")
    written = notice(Receiver(role, "Somebody", "", "", (site,)), language)
    assert "{" not in written.markdown
    assert "a[.]test" in written.markdown and "192[.]0[.]2[.]1" in written.markdown


def test_hostile_words_stay_words() -> None:
    evil = "x\n# You won\n<script>alert(1)</script> [click](http://evil.test/) \x1b[31m\u202e"
    site = Site("a.test", evidence=(("terms", evil),))
    text = notice(Receiver("hoster", evil, "", "", (site,))).markdown
    assert "\n# You won" not in text
    assert "<script>" not in text.replace("\\<", "")
    assert "evil.test" not in text and "\x1b" not in text and "\u202e" not in text


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_name_makes_a_safe_file_and_a_contact_no_header(name: str, contact: str) -> None:
    written = notice(Receiver("registrar", name, "", contact, (Site("a.test"),)))
    assert "/" not in written.file_name and len(written.file_name) < 100
    mail = email.message_from_bytes(
        written.to_mail("me@cert.test", NOW), policy=email.policy.default
    )
    assert mail["From"] == "me@cert.test" and mail["Bcc"] is None
    assert mail["To"] is None or mail["To"] == contact


def test_many_sites_are_cut_and_counted() -> None:
    sites = tuple(Site(f"s{number}.test") for number in range(notices.MAX_SITES + 7))
    assert "… + 7" in notice(Receiver("cdn", "Edge", "", "abuse@edge.test", sites)).markdown
