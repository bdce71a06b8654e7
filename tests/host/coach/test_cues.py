"""The texts of every language are complete, short, friendly, and do not work against one another."""

import re
from typing import get_args

import pytest

from host import config
from host.coach.coach import Coach
from host.coach.cues import praise_text, prompt, spoken, wordings
from host.coach.faults import FAULTS
from host.texts.language import Words, language, languages
from tests.host.coach.runner import Run

MOST_WORDS = 8
SIDES = ("left", "right")
TABLE = {fault.id: fault for fault in FAULTS}

every_language = pytest.mark.parametrize("code", languages())
every_fault = pytest.mark.parametrize("fault", TABLE)


def contexts(fault: str) -> set[str]:
    """The keys of a fault's cues: one for each way in which it can be there."""
    return {"usual", *TABLE[fault].tighter} | ({"one_leg"} if TABLE[fault].sided else set())


def cues(code: str, fault: str) -> list[str]:
    """Every cue of a fault as it may be heard."""
    texts = language(code)
    ways = [("", ""), *((side, "") for side in SIDES), *(("", context) for context in TABLE[fault].tighter)]
    return [spoken(texts, text, side) for side, context in ways for text in wordings(texts, fault, side, context)]


def said(code: str, fault: str) -> list[str]:
    """Every cue and praise of a fault."""
    return [*cues(code, fault), *language(code).faults[fault].praise]


def never(what: str, code: str, text: str) -> re.Match[str] | None:
    """What a text says that it must not, by the words of its language."""
    words = language(code).never[what]
    return re.search(rf"\b({'|'.join(words)})\b|\d", text, re.IGNORECASE)


@every_language
def test_what_must_never_be_said_is_known(code):
    assert all(len(language(code).never[what]) >= 10 for what in ("blame", "against_others", "straightens"))


def test_what_must_never_be_said_is_found():
    assert never("blame", "en", "Stop braking.")
    assert never("blame", "de", "Nicht so steif.")
    assert never("against_others", "de", "Streck das Bein weit nach vorn.")
    assert never("straightens", "en", "Keep your back upright.")
    assert never("blame", "en", "Do it 3 times.")


def test_there_are_english_and_german():
    assert set(languages()) >= {"de", "en"}


@every_language
def test_every_fault_has_words_and_all_words_a_fault(code):
    assert set(language(code).faults) == set(TABLE)


@every_language
@every_fault
def test_every_fault_is_complete(code, fault):
    words: Words = language(code).faults[fault]
    assert set(words.cues) == contexts(fault)
    for texts in words.cues.values():
        assert 2 <= len(texts) <= 3, "something to choose from"
    assert len(words.praise) >= 2
    assert words.exercises
    assert set(words.context_advice) == set(words.context_exercises) | ({"fast"} & contexts(fault))
    assert set(words.context_advice) <= set(TABLE[fault].tighter)
    after = (words.advice, *words.exercises, *words.context_advice.values(), *words.context_exercises.values())
    for text in after:
        assert text[0].isupper()
        assert text.endswith(".")
    for text in (words.name, words.measure):
        assert text
        assert not text.endswith(".")


@every_language
@every_fault
def test_everything_said_while_running_is_short_and_a_sentence(code, fault):
    for text in said(code, fault):
        assert 1 <= len(text.split()) <= MOST_WORDS, text
        assert re.fullmatch(r"[A-ZÄÖÜ][\w ,:'äöüß]+\.", text), text


@every_language
@every_fault
def test_what_is_said_blames_nobody(code, fault):
    """Nor does it ban, or tell numbers while running."""
    for text in said(code, fault):
        assert not never("blame", code, text), text


@every_language
@every_fault
def test_no_cue_works_against_another(code, fault):
    """Whatever the fault: longer steps, pulling or pushing the ground, a braced trunk, a tucked pelvis."""
    for text in cues(code, fault):
        assert not never("against_others", code, text), text


@every_language
@pytest.mark.parametrize("fault", ["tilt_excessive", "tilt_flattened"])
def test_no_word_on_the_tilt_straightens_the_pelvis_or_the_back(code, fault):
    """The tilt is meant to be there."""
    for text in said(code, fault):
        assert not never("straightens", code, text), text


@every_language
def test_wordings_differ(code):
    texts = [text for fault in TABLE for text in language(code).faults[fault].praise]
    texts += [text for fault in TABLE for way in language(code).faults[fault].cues.values() for text in way]
    assert len(set(texts)) == len(texts)


@every_language
def test_a_named_leg_is_heard(code):
    for fault, row in TABLE.items():
        if row.sided:
            left, right = (
                [spoken(language(code), text, side) for text in wordings(language(code), fault, side, "")]
                for side in SIDES
            )
            assert all(a != b for a, b in zip(left, right, strict=True)), "the side can be heard"


@every_language
def test_texts_that_belong_to_no_fault(code):
    texts, english = language(code), language("en")
    assert set(texts.prompts) == set(english.prompts)
    assert set(texts.sides) == set(SIDES)
    assert texts.sides["left"].keys() == texts.sides["right"].keys()
    assert texts.closing
    effects = texts.effects
    for sentence, filled in (
        (effects.once, {"fault"}),
        (effects.times, {"fault", "count"}),
        (effects.fell, {"measure", "change"}),
        (effects.rose, {"measure", "change"}),
        *((unit, {"value"}) for unit in effects.units.values()),
        (texts.pain.much, {"acceptable", "worst"}),
        (texts.pain.rising, {"before", "now"}),
    ):
        assert set(re.findall(r"{(\w+)}", sentence)) == filled
    units = {limit.metric.rsplit("_", 1)[1] for fault in FAULTS for limit in fault.limits}
    assert units <= set(effects.units)


def test_professional_help_is_named_where_pain_persists():
    assert "professional" in language("en").closing
    assert "not a medical device" in language("en").closing
    assert "fachkundig" in language("de").closing
    assert "kein Medizinprodukt" in language("de").closing


def test_praise_takes_turns():
    assert praise_text(language("en"), "overstride", 0) != praise_text(language("en"), "overstride", 1)


def test_one_leg_is_named_unless_a_context_says_more():
    texts = language("en")
    overstride = texts.faults["overstride"].cues
    assert wordings(texts, "overstride", "left", "") == overstride["one_leg"]
    assert wordings(texts, "overstride", "left", "uphill") == overstride["uphill"]
    assert wordings(texts, "overstride", "", "fast") == overstride["fast"]
    assert wordings(texts, "overstride", "", "") == overstride["usual"]
    assert "left" in spoken(texts, overstride["one_leg"][0], "left")


def test_prompts():
    assert prompt("stand_still") == "Stand still."
    assert prompt("stand_still", "de") == "Steh still."
    for pod in ("pelvis", "shank_left", "shank_right"):
        assert "pod lost" in prompt(f"lost_{pod}", "en")


def test_the_coach_speaks_the_language_it_is_told():
    run = Run(Coach(language="de"))
    heard = run.go(200, tibial_inclination_ic_deg_by=8.0, foot_ahead_of_pelvis_mm_by=40.0)
    german = language("de").faults["overstride"]
    assert [cue.text for cue in heard] == german.cues["usual"][:2]
    assert run.coach.summary()["faults"]["overstride"]["name"] == german.name


def test_unknown_language_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'xx'.*de, en"):
        language("xx")
    with pytest.raises(ValueError, match="'xx'"):
        Coach(language="xx")


def test_every_fault_can_be_muted_by_config():
    assert set(get_args(config.Fault)) >= set(TABLE)
