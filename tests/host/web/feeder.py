"""Messages as a session publishes them, for tests: a runner at 3 m/s whose tibia can be told to reach out."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from host.feed import Feed, Message, to_payload
from host.records import Cue, PodHealth, SessionInfo, Stride
from host.session import session_id

STRIDE_S = 0.7


def utc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Feeder:
    def __init__(self, feed: Feed, runner: str = "Ana", started: datetime | None = None, language: str = "en") -> None:
        self.feed, self.runner = feed, runner
        self.language = language
        self.started = started or datetime.now(UTC)
        self.session = session_id(runner, self.started)
        self.strides = self.cues = 0
        self.held: list[str] = []
        self.phase = "waiting"

    def publish(self, kind: str, payload: dict[str, Any]) -> None:
        self.feed.publish(Message(self.runner, kind, payload))

    def start(self, source: str = "demo") -> None:
        self.publish("session", to_payload(self._info(source), event="started"))

    def end(self, source: str = "demo") -> None:
        self.publish("session", to_payload(self._info(source), event="ended", ended_utc=utc(datetime.now(UTC))))

    def status(self, phase: str, prompt: str = "", held: list[str] | None = None) -> None:
        self.phase, self.held = phase, held or []
        status = {
            "phase": phase,
            "prompt": prompt,
            "held": self.held,
            "session": self.session,
            "language": self.language,
        }
        self.publish("status", status)

    def pods(self, **links: str) -> None:
        pods = [
            PodHealth(role, links.get(role, "streaming"), battery, 208.3, 1040, lost, 2, clock, 40.0)
            for role, battery, lost, clock in (
                ("pelvis", 88.0, 0, 0.6),
                ("shank_left", 71.0, 2, 1.1),
                ("shank_right", 12.0, 9, math.nan),
            )
        ]
        self.publish("pods", {"pods": [to_payload(pod) for pod in pods]})

    def stride(self, tibia_deg: float = 9.0, quality: str = "", **more: Any) -> Stride:
        """The next stride: left and right in turn, 0.35 s apart."""
        n = self.strides
        self.strides += 1
        right = n % 2
        ic_s = 5.0 + n * STRIDE_S / 2
        wave = math.sin(n * 1.7) + 0.6 * math.sin(n * 0.31)
        values: dict[str, Any] = dict.fromkeys(Stride.__dataclass_fields__, math.nan)
        values |= {
            "side": "right" if right else "left",
            "ic_s": ic_s,
            "tc_s": ic_s + 0.25,
            "next_ic_s": ic_s + STRIDE_S,
            "decided_s": ic_s + STRIDE_S + 0.1,
            "cadence_spm": 171.0 + 1.5 * wave,
            "contact_time_ms": 248.0 + 6 * right + 4 * wave,
            "tibial_inclination_ic_deg": tibia_deg + 0.8 * right + 0.7 * wave,
            "pelvic_tilt_deg": 6.0 + 0.4 * wave,
            "speed_mps": 3.0 + 0.05 * wave,
            "quality": quality,
        }
        stride = Stride(**(values | more))
        self.publish("stride", to_payload(stride, session=self.session))
        return stride

    def cue(
        self, text: str, kind: str = "cue", fault: str = "overstride", side: str = "", age_s: float = 0.0, **more: Any
    ) -> None:
        """A cue that was decided `age_s` ago; it is valid for one second."""
        self.cues += 1
        decided = datetime.now(UTC) - timedelta(seconds=age_s)
        t_s = 5.0 + self.strides * STRIDE_S / 2
        self.publish(
            "cue",
            to_payload(
                Cue(t_s, kind, fault, side, "", text),
                cue_id=f"{self.session}-{self.cues}",
                session=self.session,
                decided_utc=utc(decided),
                valid_until=utc(decided + timedelta(seconds=1)),
                **({"language": self.language} | more),
            ),
        )

    def _info(self, source: str) -> SessionInfo:
        return SessionInfo(self.session, self.runner, utc(self.started), source, "")


def running(feed: Feed, runner: str = "Ana", strides: int = 10, language: str = "en") -> Feeder:
    """A runner who runs already, with `strides` of them behind."""
    feeder = Feeder(feed, runner, language=language)
    feeder.start()
    feeder.pods()
    feeder.status("running")
    for _ in range(strides):
        feeder.stride()
    return feeder
