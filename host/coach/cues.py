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
        "hips_back": Words(
            name="hips behind the feet, pelvis tipped",
            cues={
                "": (
                    "Hips tall over your feet, whole body leaning.",
                    "Stand tall through your hips, leaning slightly forward.",
                )
            },
            praise=("Nice, your hips are over your feet.", "Good, tall hips and an easy lean."),
            advice="Strengthen the glutes, so that they drive you, and work on posture: hips above the feet.",
        ),
        "sitting_back": Words(
            name="crouched, knees bent and trunk upright",
            cues={
                "": (
                    "Spring off the ground, leaning from the ankles.",
                    "Tall through the knees, lean from the ankles.",
                )
            },
            praise=("Nice, you run tall.", "Good, tall knees and an easy lean."),
            advice="Practise running tall: short strides, long knees, and a lean that starts at the ankles.",
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
        "pawing": Words(
            name="pulling the ground backward",
            cues={
                "": (
                    "Let the ground come to you, legs loose.",
                    "Let the ground roll by, legs relaxed.",
                )
            },
            one_leg=("Relax your {side} leg, let the ground come.",),
            praise=("Nice, your legs are relaxed.", "Good, the ground comes to you."),
            advice="Strengthen the hamstrings eccentrically, by lowering slowly, and stretch them gently the same way.",
        ),
        "hip_lag": Words(
            name="pelvis late behind the swinging leg",
            cues={"": ("Let each hip float forward with its leg.", "Let your hips swing along with each step.")},
            one_leg=("Let your {side} hip travel with its leg.",),
            praise=("Nice, your hips swing along.", "Good, hips and legs move together."),
            advice="Warm up core and hips before running, so that the pelvis can come forward with the leg.",
        ),
        "asymmetry": Words(
            name="one side working differently from the other",
            cues={"": ("Left and right alike, an even beat.", "Even out left and right.")},
            one_leg=("Even out left and right, ease your {side}.",),
            praise=("Nice, both sides work evenly.", "Good, an even beat again."),
            advice="Work on one-sided posture and strength; a professional can see which side needs what.",
        ),
        "stiff_pelvis": Words(
            name="pelvis moving less than usual",
            cues={"": ("Loosen your hips and shoulders.", "Soft shoulders, soft hips, easy breath.")},
            praise=("Nice and loose.", "Good, your hips move easily."),
            advice="Relaxation drills before and during easy runs: shake out arms, shoulders and hips.",
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
