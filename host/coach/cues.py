"""What is said: one table of texts by language, fault and context.

Own words, at most eight of them, phrased as what to do; no blame, no numbers while running. Nothing here may
work against another cue: for `tilt_excessive` no word that straightens the pelvis or the back, for a natural
forward tilt is meant to be there. Where there are several wordings they take turns; those about the ground
and the surroundings come first, since attention outside the body serves movement better (Wulf 2013,
doi:10.1080/1750984X.2012.723728).

To add a language: one more entry of TEXTS. To add a fault: one entry of `faults` in every language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Words:
    """All texts of one fault in one language."""

    name: str  # how the pattern is called in a summary: what was seen, without judgement
    cues: Mapping[str, tuple[str, ...]]  # context ("" for none) -> wordings
    praise: tuple[str, ...]
    advice: str  # after the run
    one_leg: tuple[str, ...] = ()  # with {side}: when one leg alone has it, out of any context
    context_advice: Mapping[str, str] = field(default_factory=dict)  # added where cues came in that context


@dataclass(frozen=True, slots=True)
class Language:
    faults: Mapping[str, Words]
    sides: Mapping[str, str]
    prompts: Mapping[str, str]  # spoken status; no fault
    closing: str  # ends every summary that gives advice


ENGLISH = Language(
    faults={
        "overstride": Words(
            name="landing ahead of the body",
            cues={
                "": (
                    "Touch down right beneath you, heel down.",
                    "Put your steps underneath you, heels settling.",
                ),
                "uphill": (
                    "Short steps uphill, knees lifting, like prancing.",
                    "Prance up the hill, short steps.",
                ),
                "fast": ("Quick feet, right underneath you.",),
            },
            one_leg=("Bring your {side} foot down beneath you.",),
            praise=("Nice, you land right beneath yourself.", "Good, your steps are under you."),
            advice="Practise short, quick steps as a drill, letting each foot come down below the body.",
            context_advice={
                "uphill": "Practise hills slowly: short steps, and the knee lifted by the hip.",
                "fast": "In faster running let the step rate rise before the step length.",
            },
        ),
        "tilt_flattened": Words(
            name="pelvis tipped less forward than usual",
            cues={"": ("Leave your hips free to tip forward.", "Let your pelvis tip forward by itself.")},
            praise=("Nice, your hips move freely.", "Good, your pelvis tips by itself."),
            advice="Let the pelvis tip forward as it wants to while running; posture needs no tucking.",
        ),
        "tilt_excessive": Words(
            name="pelvis tipped further forward than usual",
            cues={
                "": (
                    "Lean from the ankles, let your middle soften.",
                    "Lean ahead from the ankles, belly relaxed.",
                )
            },
            praise=("Nice, an easy lean from the ankles.", "Good, your middle is relaxed."),
            advice="Off the run, work on pelvic posture, on one side or both; tiredness may bring it.",
        ),
        "low_cadence": Words(
            name="steps slower than usual at this speed",
            cues={"": ("Quicker, lighter steps.", "Tap the ground more lightly and often.")},
            praise=("Nice rhythm, quick and light.", "Good, your steps are light."),
            # 5 % more unloads the knee (Heiderscheit et al. 2011, doi:10.1249/MSS.0b013e3181ebedf4); more
            # raises muscle activity in late swing (Chumanov et al. 2012, doi:10.1016/j.gaitpost.2012.02.023).
            advice="Try a metronome 5 % above your usual step rate for some minutes, and never above 7.5 %.",
        ),
    },
    sides={"left": "left", "right": "right"},
    prompts={
        "stand_still": "Stand still.",
        "ready": "Ready. Run when you like.",
        "lost_pelvis": "Pelvis pod lost.",
        "lost_shank_left": "Left shank pod lost.",
        "lost_shank_right": "Right shank pod lost.",
    },
    closing="This is a training aid, not a medical device. Where pain persists, see a professional.",
)

TEXTS: Mapping[str, Language] = {"en": ENGLISH}


def language(code: str) -> Language:
    """The texts of one language. Raises ValueError naming the languages there are."""
    if code not in TEXTS:
        raise ValueError(f"no texts in language {code!r}; there are: {', '.join(sorted(TEXTS))}")
    return TEXTS[code]


def prompt(key: str, code: str = "en") -> str:
    """A spoken status, such as `stand_still`, `ready` or `lost_pelvis`."""
    return language(code).prompts[key]


def cue_text(texts: Language, fault: str, side: str, context: str, turn: int) -> str:
    """The wording for the `turn`-th cue of this fault (from 0). `side` is empty when both legs have it."""
    words = texts.faults[fault]
    if (side and words.one_leg and context not in words.cues) or (side and words.one_leg and not context):
        wordings = words.one_leg
    else:
        wordings = words.cues.get(context, words.cues[""])
    return wordings[turn % len(wordings)].format(side=texts.sides.get(side, ""))


def praise_text(texts: Language, fault: str, turn: int) -> str:
    wordings = texts.faults[fault].praise
    return wordings[turn % len(wordings)]
