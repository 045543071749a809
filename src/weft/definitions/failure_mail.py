"""A sensor that writes an e-mail for each run that failed."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Literal

from weft.config.env import EnvVar
from weft.config.schema import StringSource
from weft.config.validation import validate
from weft.definitions.names import check_each
from weft.definitions.run_status_sensors import RunStatusSensorDefinition
from weft.definitions.sensors import DefaultSensorStatus
from weft.model.events import StepFailed
from weft.model.run import RunStatus

if TYPE_CHECKING:
    from weft.execution.ticks.sensor_contexts import RunFailureSensorContext

_TIMEOUT_SECONDS = 30.0


def make_email_on_run_failure_sensor(
    email_from: str,
    email_password: str,
    email_to: Sequence[str],
    email_body_fn: Callable[[RunFailureSensorContext], str] | None = None,
    email_subject_fn: Callable[[RunFailureSensorContext], str] | None = None,
    smtp_host: str = "smtp.gmail.com",
    smtp_type: Literal["SSL", "STARTTLS"] = "SSL",
    smtp_port: int | None = None,
    smtp_user: str | None = None,
    name: str | None = None,
    webserver_base_url: str | None = None,
    monitored_jobs: Sequence[Any] | None = None,
    monitor_all_code_locations: bool = False,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
) -> RunStatusSensorDefinition:
    """A sensor that writes an e-mail for each run that failed.

    Args:
        email_from: the sender.
        email_password: the password of the sender at the server; empty: no login. ``EnvVar("NAME")`` is read when a mail is sent.
        email_to: the receivers.
        email_body_fn: gives the text of the mail.
        email_subject_fn: gives its subject.
        smtp_host: the mail server.
        smtp_type: SSL from the start, or after a plain greeting.
        smtp_port: 465 for SSL, 587 for STARTTLS by default.
        smtp_user: who logs in; the sender by default.
        name: the name; ``email_on_run_failure_sensor`` by default.
        webserver_base_url: the address of the web pages, for a link to the run.
        monitored_jobs, monitor_all_code_locations, default_status: as for `RunStatusSensorDefinition`.
    """
    receivers = check_each(email_to, str, "email_to", "make_email_on_run_failure_sensor")

    def email_on_run_failure(context: RunFailureSensorContext) -> None:
        message = EmailMessage()
        message["From"] = email_from
        message["To"] = ", ".join(receivers)
        message["Subject"] = (email_subject_fn or _subject)(context)
        text = email_body_fn(context) if email_body_fn is not None else _body(context, webserver_base_url)
        message.set_content(text)
        _send(message, smtp_host, smtp_type, smtp_port, smtp_user or email_from, _password(email_password))

    return RunStatusSensorDefinition(
        name or "email_on_run_failure_sensor",
        RunStatus.FAILURE,
        run_status_sensor_fn=email_on_run_failure,
        monitored_jobs=monitored_jobs,
        monitor_all_code_locations=monitor_all_code_locations,
        default_status=default_status,
    )


def _password(given: str) -> str:
    """What is sent to the server: never the name of a variable in the place of what it holds."""
    if not isinstance(given, EnvVar):
        return given
    checked = validate({"email_password": StringSource}, {"email_password": given})
    found: str = checked.resolve(os.environ).value["email_password"]
    return found


def _subject(context: RunFailureSensorContext) -> str:
    return f'Run of job "{context.run.job_name}" failed'


def _body(context: RunFailureSensorContext, base_url: str | None) -> str:
    lines = [f'Run {context.run.id} of job "{context.run.job_name}" failed.']
    if context.failure_event.message:
        lines.append(context.failure_event.message)
    lines.extend(
        f"\nStep {event.step_key}:\n{event.body.error.to_string()}"
        for event in context.get_step_failure_events()
        if isinstance(event.body, StepFailed)
    )
    if base_url is not None:
        lines.append(f"\n{base_url.rstrip('/')}/runs/{context.run.id}")
    return "\n".join(lines)


def _send(message: EmailMessage, host: str, kind: str, port: int | None, user: str, password: str) -> None:
    import smtplib

    context = ssl.create_default_context()
    if kind == "SSL":
        with smtplib.SMTP_SSL(host, port or 465, context=context, timeout=_TIMEOUT_SECONDS) as server:
            if password:
                server.login(user, password)
            server.send_message(message)
        return
    with smtplib.SMTP(host, port or 587, timeout=_TIMEOUT_SECONDS) as server:
        server.starttls(context=context)
        if password:
            server.login(user, password)
        server.send_message(message)
