"""What a runner reads at the end: what was said, what came of it, what helps."""

import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from dsp.types import Role
from host.coach.coach import Coach
from host.coach.learning import learn
from host.records import Cue, PodHealth, SessionInfo
from host.summary import print_summary, summary_lines
from host.texts.language import language
from tests.host.coach.runner import STRIDE_S, Run, stride

INFO = SessionInfo("s1", "ann", "2026-11-28T07:00:00.000Z", "pods", "")


ASKED = [
    "  How does it feel, from 0 (no pain) to 10? Note it: hamstream pain ann SCORE --when after",
    "  and tomorrow, for high hamstring pain comes back after the run: --when next-morning",
]
GERMAN_ASKED = [
    "  Wie fühlt es sich an, von 0 (kein Schmerz) bis 10? Notier es: hamstream pain ann ZAHL --when after",
    "  und morgen früh, denn Schmerz am Sitzbein kommt nach dem Lauf wieder: --when next-morning",
]


def session(run: Run, code: str = "en") -> SimpleNamespace:
    return SimpleNamespace(
        language=code,
        info=INFO,
        strides=len(run.strides),
        good_strides=sum(one.good for one in run.strides),
        flaws=Counter(flaw for one in run.strides for flaw in one.quality.split("|") if flaw),
        cues=run.cues,
        coach=run.coach,
        health=[],
        found={Role.PELVIS},
    )


def lines(code: str, reach_deg: float) -> list[str]:
    """Of a run with a minute of an overstride of so much, which then goes."""
    usual = learn([stride(i * STRIDE_S, side) for i in range(100) for side in ("left", "right")])
    run = Run(Coach(usual, language=code))
    run.go(45)
    run.go(12, tibial_inclination_ic_deg_by=reach_deg)
    run.go(45)
    return summary_lines(session(run, code))


@pytest.mark.parametrize(
    ("code", "effect"),
    [
        ("en", "  cue on landing ahead of the body: once; overstride fell by 4.5 degrees on average."),
        (
            "de",
            "  Hinweis „der Fuß landet vor dem Körper“: einmal; das Landen vor dem Körper nahm im Mittel um 4,5 Grad"
            " ab.",
        ),
    ],
)
def test_it_tells_what_was_said_what_came_of_it_and_what_helps(code, effect):
    words = language(code).faults["overstride"]
    told = lines(code, 4.5)
    first, cue, praise, asked = {
        "en": ("ann: 204 strides, 100 % of them measured well", "cue", "praise", ASKED),
        "de": ("ann: 204 Schritte, davon 100 % gut gemessen", "Hinweis", "Lob", GERMAN_ASKED),
    }[code]
    assert told[0] == first
    assert re.fullmatch(rf"  \d:\d\d {cue}: {words.cues['usual'][0]} \({words.name}\)", told[1])
    assert re.fullmatch(rf"  \d:\d\d {praise}: {words.praise[0]} \({words.name}\)", told[2])
    assert told[3:] == [effect, *(f"  - {text}" for text in (words.advice, *words.exercises)),
                        f"  {language(code).closing}", *asked]  # fmt: skip


def test_a_leg_and_a_context_are_named():
    run = Run()
    run.cues = [Cue(63.5, "cue", "overstride", "left", "", "A."), Cue(90.0, "cue", "overstride", "", "uphill", "B.")]
    assert summary_lines(session(run, "de"))[1:3] == [
        "  1:03 Hinweis: A. (der Fuß landet vor dem Körper, links)",
        "  1:30 Hinweis: B. (der Fuß landet vor dem Körper, bergauf)",
    ]


def test_what_held_unsaid_is_told_in_a_line_and_asks_for_nothing():
    usual = learn([stride(i * STRIDE_S, side) for i in range(100) for side in ("left", "right")])
    run = Run(Coach(usual, muted=frozenset({"overstride"})))
    run.go(45)
    run.go(16, tibial_inclination_ic_deg_by=4.5)
    # On each leg from the 12th of 16 strides on.
    assert summary_lines(session(run))[1:] == [
        "  held without a word: landing ahead of the body for 10 strides",
        *ASKED,
    ]


def test_where_nothing_was_said_there_is_no_advice():
    assert lines("en", 0.0)[1:] == ["  nothing to say: no pattern held", *ASKED]


def test_where_nothing_could_be_judged_it_says_why_and_does_not_reassure():
    run = Run()
    run.strides = [
        replace(stride(i * STRIDE_S), quality="uncalibrated|settling"[: 21 if i < 3 else 12]) for i in range(9)
    ]
    told = summary_lines(session(run))
    assert told == [
        "ann: 9 strides, 0 % of them measured well",
        "  no stride could be judged: nobody stood still before running,"
        " just started, stopped, or changed speed or posture",
        *ASKED,
    ]
    still = session(Run(), "de")
    assert summary_lines(still)[:2] == ["ann: 0 Schritte", "  es wurde kein Laufen erkannt"]
    still.found = set()
    assert "kein Sensor gefunden: " in summary_lines(still)[1]


def test_an_empty_pod_is_told_after_a_run():
    run = Run()
    run.go(5)
    told = session(run)
    full, low, unread = (PodHealth(role, "streaming", percent, 208.0, 9, 0, 0, 1.0, 1.0) for role, percent in
                         (("pelvis", 15.0), ("shank_left", 14.0), ("shank_right", math.nan)))  # fmt: skip
    told.health = [full, low, unread]
    assert "  low battery: left shank 14 %; charge before the next run" in summary_lines(told)
    told.info = replace(INFO, source="replay:s1.mcap")
    assert not any("charge" in line for line in summary_lines(told))


def test_a_replay_hurts_nobody():
    run = Run()
    run.go(5)
    again = session(run)
    again.info = replace(INFO, source="replay:s1.mcap")
    assert summary_lines(again)[1:] == ["  nothing to say: no pattern held"]


@pytest.mark.parametrize(
    ("codes", "last"), [(["de"], "kein Medizinprodukt"), (["en"], "medical device"), (["de", "en"], "medical device")]
)
def test_the_last_lines_are_in_the_language_of_all(capsys, codes, last):
    print_summary([session(Run(), code) for code in codes], Path("/data/hamstream.db"))
    *_, stored, disclaimer = capsys.readouterr().out.splitlines()
    assert "/data/hamstream.db" in stored
    assert last in disclaimer
