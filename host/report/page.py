"""The report as one HTML file: no script, nothing from elsewhere, so it can be kept, sent and printed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from host.coach.coach import CoachParams
from host.coach.cues import about_text
from host.coach.faults import FAULTS
from host.person.listing import source_text
from host.person.pain import advice as pain_advice
from host.person.pain import by_run
from host.records import Cue
from host.report import words
from host.report.charts import Axis, chart, time_axis, time_ticks
from host.report.figures import at_same_speed, facts, figures, own_band
from host.report.material import Material, Recorded
from host.report.metrics import BAND_SDS, CHARTED
from host.report.timeline import Replay, Span, replay
from host.report.trends import trends
from host.texts.language import Language, capital, language
from host.texts.plain import clock

if TYPE_CHECKING:
    from jinja2 import Template

NARROWEST_PERCENT = 0.4  # of a bar, so that it can be seen


def report_html(material: Material) -> str:
    """The report, whole. The same material always makes the same page."""
    recorded = material.recorded or Recorded()
    code = material.language or recorded.told.language
    texts = language(code)
    told = replace(recorded.told, person=replace(recorded.told.person, language=code))
    coach = told.coach()
    again = replay(material.strides, coach, CoachParams().forget_s)
    mattered = again.without(told.person.muted or ())  # what nobody wants to hear of is no head line
    summary = coach.summary()
    now = material.medians
    time = time_axis(material.strides)
    own = own_band(material.strides, coach.usual)
    compared = at_same_speed(material.earlier, now)
    title, sentence = words.headline(
        material.strides, mattered, material.cues, summary["running_s"], texts, muted=mattered.spans != again.spans
    )
    changes = {effect.cue_number: words.change(effect, texts) for effect in material.effects}
    pain = by_run(material.scores, [material.row])[material.row.session]
    charts = [chart(metric, material.strides, time, own.get(metric.field)) for metric in CHARTED]
    good = sum(stride.good for stride in material.strides)
    return _template().render(
        texts=texts,
        language=code,
        spoken=recorded.told.language,  # of cues: as it was then
        row=material.row,
        source=source_text(material.row.source, texts),
        started=_local(material.row.started_utc),
        title=title,
        sentence=sentence,
        facts=facts(material, summary["running_s"], now, texts),
        timeline=timeline(again, material.cues, time, texts),
        said=[
            Said(cue, clock(cue.t_s), _about(cue, texts), changes.get(number, ""))
            for number, cue in enumerate(material.cues, 1)
        ],
        outcomes=words.outcomes(material.cues, material.effects, texts),
        figures=figures(now, compared),
        compared=len(compared),
        band_sds=texts.local(f"{BAND_SDS:g}"),
        charts=[one for one in charts if one],
        time_ticks=time_ticks(time),
        cue_marks=[time.percent(cue.t_s) for cue in material.cues],
        trends=trends(material, now, summary, mattered, texts),
        first=_local(material.earlier[0].row.started_utc) if material.earlier else None,
        advice=summary["faults"],
        closing=summary["closing"],
        pain=pain,
        pain_advice=pain_advice(material.scores, pain, texts),
        strides=len(material.strides),
        good=good,
        good_percent=f"{100.0 * good / max(len(material.strides), 1):.0f}",
        flaws=words.quality(material.strides, texts),
        pods=recorded.pods,
        judged_by=words.judged_by(told.profile.baseline, coach.usual, texts),
        same=words.decisions(again.cues) == words.decisions(material.cues),
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # here: the start of a run does not wait for it

    environment = Environment(
        loader=PackageLoader("host.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["capital"] = capital
    return environment.get_template("report.html")


def _local(utc: str) -> datetime:
    """The moment on the clock of the computer that writes the report."""
    return datetime.fromisoformat(utc).astimezone()


def _about(cue: Cue, texts: Language) -> str:
    about = about_text(texts, cue)
    return str(texts.report["cues"]["better"].format(about=about)) if cue.kind == "praise" else about


class Said(NamedTuple):
    """A cue or praise, and what came of it."""

    cue: Cue
    at: str
    about: str
    change: str


class Bar(NamedTuple):
    side: str
    at: float  # percent of the time, as `width`
    width: float
    text: str


class Mark(NamedTuple):
    kind: str
    at: float
    text: str


class Row(NamedTuple):
    """A fault over time."""

    fault: str
    name: str
    held: str
    bars: Sequence[Bar]
    marks: Sequence[Mark]


def _span_text(span: Span, texts: Language) -> str:
    begin, end = clock(span.begin_s), clock(span.end_s)
    return str(texts.report["timeline"]["span"].format(begin=begin, end=end))


def timeline(again: Replay, said: Sequence[Cue], time: Axis, texts: Language) -> list[Row]:
    """A row for each fault that held or was spoken of, in order of priority."""
    rows = []
    for fault in FAULTS:
        bars = [
            Bar(
                span.side or "both",
                time.percent(span.begin_s),
                max(time.percent(span.end_s) - time.percent(span.begin_s), NARROWEST_PERCENT),
                _span_text(span, texts),
            )
            for span in again.spans
            if span.fault == fault.id
        ]
        marks = [
            Mark(cue.kind, time.percent(cue.t_s), f"{clock(cue.t_s)} {cue.text}")
            for cue in said
            if cue.fault == fault.id
        ]
        if bars or marks:
            held = clock(again.held_s(fault.id))
            rows.append(Row(fault.id, texts.faults[fault.id].name, held, bars, marks))
    return rows
