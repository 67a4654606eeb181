"""What of quality will never be judged: labels that come when their predictions are forgotten,
windows that are judged before their labels can be there."""

from __future__ import annotations

from mizzen.control.check.finding import Finding
from mizzen.core.quality import QualityPolicy
from mizzen.spec.duration import to_timedelta
from mizzen.spec.project import ProjectSpec

SUBJECT = "monitoring.quality"


def check_quality(spec: ProjectSpec) -> list[Finding]:
    """Whether quality can be judged: retention and delays against each other."""
    policy = QualityPolicy.of(spec.monitoring, spec.label)
    kept = to_timedelta(spec.serving.log.retention)
    label = to_timedelta(spec.label.delay) if spec.label.delay else None
    if label is not None and label >= kept:
        return [_never(spec, f"labels come after {spec.label.delay}", label.days + 1)]
    needed = policy.length + policy.delay
    if needed > kept:
        quality, length = spec.monitoring.quality, spec.monitoring.window
        delay = quality.delay or spec.label.delay or quality.window or length
        when = f"windows of {quality.window or length} are judged up to {delay} later"
        return [_partly(spec, when, needed.days + 1)]
    if label is not None and policy.delay < label:
        message = (
            f"windows are judged {spec.monitoring.quality.delay} after their end, but labels come "
            f"after {spec.label.delay} (label.delay): their newest predictions count never"
        )
        hint = f"set monitoring.quality.delay to {spec.label.delay} or more, or leave it out"
        return [Finding("warning", SUBJECT, message, hint)]
    return []


def _never(spec: ProjectSpec, why: str, days: int) -> Finding:
    message = (
        f"quality will never be judged: {why}, and the prediction log keeps "
        f"{spec.serving.log.retention} (serving.log.retention)"
    )
    return Finding("warning", SUBJECT, message, f"set serving.log.retention to {days}d or more")


def _partly(spec: ProjectSpec, why: str, days: int) -> Finding:
    message = (
        f"quality may be judged without its oldest predictions, or never: {why}, and the "
        f"prediction log keeps {spec.serving.log.retention} (serving.log.retention)"
    )
    return Finding("warning", SUBJECT, message, f"set serving.log.retention to {days}d or more")
