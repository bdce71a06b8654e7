"""What was found in a file, in a line for the person who had it analysed. Called by analyze.py."""

from collections import Counter
from dataclasses import dataclass, field

from host.pipeline import Output
from host.texts.language import language


@dataclass(slots=True)
class Tally:
    """Strides and cues of one file."""

    strides: int = 0
    good: int = 0
    cues: int = 0  # without praise
    flaws: Counter[str] = field(default_factory=Counter)  # why strides are not good, as in the column `quality`
    cut: bool = False  # a recording that was never finished

    def add(self, output: Output) -> None:
        self.strides += len(output.strides)
        self.cues += sum(cue.kind == "cue" for cue in output.cues)
        for stride in output.strides:
            self.good += stride.good
            if not stride.good:
                self.flaws.update(stride.quality.split("|"))

    def __str__(self) -> str:
        flaws = ", ".join(f"{flaw} {count}" for flaw, count in self.flaws.most_common())
        cues = "1 cue" if self.cues == 1 else f"{self.cues} cues"
        return f"{self.strides} strides, {self.good} good{f' ({flaws})' if flaws else ''}, {cues}"

    @property
    def doubts(self) -> list[str]:
        """What makes the results less than they seem."""
        cut = ["is cut short, or still being recorded; what is there was analysed"] if self.cut else []
        return [*cut, *filter(None, [self._why_nothing])]

    @property
    def _why_nothing(self) -> str:
        """Why nothing can be told from the results; empty where something can."""
        if not self.strides:
            return "no stride was found; somebody must run in it, for some seconds, and each pod carry its own name"
        if not self.good:
            texts = language("en").report["quality"]
            reasons = "; ".join(texts[flaw] for flaw, _ in self.flaws.most_common())
            return f"none of its {self.strides} strides is good: {reasons}"
        return ""
