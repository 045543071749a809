"""The mail about a failed run says which job, which step and why."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from weft import (
    ConfigError,
    EnvVar,
    Instance,
    build_run_status_sensor_context,
    job,
    make_email_on_run_failure_sensor,
    op,
)
from weft.definitions import failure_mail


@op
def broken() -> None:
    raise ValueError("the till is closed")


@job
def bad() -> None:
    broken()


def test_the_mail_says_what_failed_and_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[EmailMessage, tuple[object, ...]]] = []
    # The server is the one thing that is not there; the message is real.
    monkeypatch.setattr(failure_mail, "_send", lambda message, *where: sent.append((message, where)))
    sensor = make_email_on_run_failure_sensor(
        "weft@example.com",
        "secret",
        ["ann@example.com", "bob@example.com"],
        smtp_type="STARTTLS",
        webserver_base_url="https://weft.example.com/",
        monitored_jobs=[bad],
    )
    assert sensor.name == "email_on_run_failure_sensor"
    with Instance.ephemeral() as instance:
        result = bad.execute_in_process(instance=instance, raise_on_error=False)
        sensor(build_run_status_sensor_context(instance=instance, run=instance.runs.get(result.run_id)))
    [(message, where)] = sent
    assert message["To"] == "ann@example.com, bob@example.com"
    assert message["Subject"] == 'Run of job "bad" failed'
    text = message.get_content()
    assert "Step broken:" in text
    assert "the till is closed" in text
    assert f"https://weft.example.com/runs/{result.run_id}" in text
    assert where == ("smtp.gmail.com", "STARTTLS", None, "weft@example.com", "secret")


def test_subject_and_text_may_be_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[EmailMessage] = []
    monkeypatch.setattr(failure_mail, "_send", lambda message, *where: sent.append(message))
    sensor = make_email_on_run_failure_sensor(
        "weft@example.com",
        "",
        ["ann@example.com"],
        email_body_fn=lambda context: f"{context.run.job_name} is broken",
        email_subject_fn=lambda context: "Look",
    )
    with Instance.ephemeral() as instance:
        result = bad.execute_in_process(instance=instance, raise_on_error=False)
        sensor(build_run_status_sensor_context(instance=instance, run=instance.runs.get(result.run_id)))
    assert (sent[0]["Subject"], sent[0].get_content().strip()) == ("Look", "bad is broken")


def test_the_password_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr(failure_mail, "_send", lambda message, *where: sent.append(where[-1]))
    sensor = make_email_on_run_failure_sensor("weft@example.com", EnvVar("MAIL_PASSWORD"), ["ann@example.com"])
    with Instance.ephemeral() as instance:
        result = bad.execute_in_process(instance=instance, raise_on_error=False)
        run = instance.runs.get(result.run_id)
        with pytest.raises(ConfigError, match="MAIL_PASSWORD"):
            sensor(build_run_status_sensor_context(instance=instance, run=run))
        monkeypatch.setenv("MAIL_PASSWORD", "open sesame")
        sensor(build_run_status_sensor_context(instance=instance, run=run))
    assert sent == ["open sesame"]
