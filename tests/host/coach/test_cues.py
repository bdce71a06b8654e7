import re
from typing import get_args

import pytest

from host import config
from host.coach.coach import Coach
from host.coach.cues import TEXTS, cue_text, language, praise_text, prompt
from host.coach.faults import FAULTS

IDS = {fault.id for fault in FAULTS}
MOST_WORDS = 8

# English only: no blame, no ban, no number while running.
BLAME = r"\b(wrong|bad|badly|stop|don'?t|never|not|no|avoid|fault|mistake|fail|poor|lazy|too|error|should)\b|\d"
# What would flatten the pelvis or the back: the tilt is meant to be there.
STRAIGHTENS = r"\b(straight\w*|tuck\w*|flatt?en\w*|upright|tall|neutral|arch\w*|brace\w*|squeeze\w*|pull\w*|back)\b"


def said_while_running(code):
    """(fault, text) of every cue and praise of a language."""
    for fault, words in TEXTS[code].faults.items():
        for texts in (*words.cues.values(), words.praise):
            yield from ((fault, text) for text in texts)
        yield from ((fault, text.format(side=side)) for text in words.one_leg for side in TEXTS[code].sides.values())


@pytest.mark.parametrize("code", TEXTS)
def test_every_fault_has_words_and_all_words_a_fault(code):
    assert set(TEXTS[code].faults) == IDS


@pytest.mark.parametrize("code", TEXTS)
def test_every_fault_is_complete(code):
    tighter = {fault.id: set(fault.tighter) for fault in FAULTS}
    sided = {fault.id: fault.sided for fault in FAULTS}
    for fault, words in TEXTS[code].faults.items():
        assert words.name
        assert words.advice
        assert words.praise
        assert words.cues[""], "a cue without any context"
        assert set(words.cues) - {""} == tighter[fault], "a wording for each context that the fault knows"
        assert set(words.context_advice) <= tighter[fault]
        assert bool(words.one_leg) == sided[fault], "a leg is named where the fault has a side"
        assert all("{side}" in text for text in words.one_leg)


@pytest.mark.parametrize("code", TEXTS)
def test_everything_said_while_running_is_short(code):
    for _, text in said_while_running(code):
        assert 1 <= len(text.split()) <= MOST_WORDS, text
        assert text == text.strip()
        assert text[0].isupper()
        assert "{" not in text


def test_english_says_what_to_do_and_blames_nobody():
    for _, text in said_while_running("en"):
        assert not re.search(BLAME, text, re.IGNORECASE), text


@pytest.mark.parametrize("fault", ["tilt_excessive", "tilt_flattened"])
def test_no_word_on_the_tilt_straightens_the_pelvis_or_the_back(fault):
    for owner, text in said_while_running("en"):
        if owner == fault:
            assert not re.search(STRAIGHTENS, text, re.IGNORECASE), text


def test_wordings_differ():
    for code in TEXTS:
        texts = [text for _, text in said_while_running(code)]
        assert len(set(texts)) == len(texts)


def test_every_language_has_the_same_keys():
    english = TEXTS["en"]
    for texts in TEXTS.values():
        assert set(texts.prompts) == set(english.prompts)
        assert set(texts.sides) == {"left", "right"}
        assert texts.closing
        for fault, words in texts.faults.items():
            assert set(words.cues) == set(english.faults[fault].cues)


def test_wordings_take_turns():
    texts = [cue_text(language("en"), "overstride", "", "", turn) for turn in range(3)]
    assert texts[0] != texts[1]
    assert texts[0] == texts[2]
    assert praise_text(language("en"), "overstride", 0) != praise_text(language("en"), "overstride", 1)


def test_one_leg_is_named_unless_a_context_says_more():
    assert "left" in cue_text(language("en"), "overstride", "left", "", 0)
    assert "right" in cue_text(language("en"), "overstride", "right", "", 0)
    assert cue_text(language("en"), "overstride", "left", "uphill", 0) == cue_text(
        language("en"), "overstride", "", "uphill", 0
    )


def test_prompts():
    assert prompt("stand_still") == "Stand still."
    for pod in ("pelvis", "shank_left", "shank_right"):
        assert "pod lost" in prompt(f"lost_{pod}", "en")
    assert prompt("ready", "en")


def test_unknown_language_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'xx'.*en"):
        language("xx")
    with pytest.raises(ValueError, match="'xx'"):
        Coach(language="xx")


def test_every_fault_can_be_muted_by_config():
    assert set(get_args(config.Fault)) >= IDS
