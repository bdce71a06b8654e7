"""The live view in a terminal: one panel a runner on a tty, in the runner's language, else one plain line an event.

Called by service.py. Reads the feed only; writes from a worker thread, because a terminal that does not take the
text (a pipe into a pager) must not hold up the stream.
"""

import asyncio
import math
import statistics
import threading
from collections import deque
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from host.feed import Feed, Message, Subscription
from host.records import LOW_BATTERY_PERCENT, is_replay
from host.texts.language import Language, language
from host.texts.plain import bars, unbroken

REFRESH_S = 0.25
# A terminal that takes no text holds up the end for no longer. Chosen.
LAST_WORDS_S = 1.0
# Without a tty, strides are told together and at most this often.
STRIDES_LINE_S = 5.0
CUE_SHOWN_S = 10.0
PRAISE_SHOWN_S = 6.0
STRIDES_DRAWN = 40  # of each leg, in the sparkline
STRIDES_MEANT = 5  # of each leg, in the figures
LEGS = ("left", "right")
TIBIA, TILT = "tibial_inclination_ic_deg", "pelvic_tilt_deg"

_STYLES = {
    "running": "green",
    "walking": "cyan",
    "ready": "bright_cyan",
    "cue": "bold black on yellow",
    "praise": "bold white on green",
    "prompt": "bold white on blue",
    "lost": "bold white on red",
}


# Phases whose word on the page has another name.
_PHASES = {"standing": "stand"}


def waiting(text: str) -> AbstractContextManager[object]:
    """Meanwhile a person sees that something is going on: a moving sign on a terminal, one line elsewhere."""
    console = Console()
    if console.is_terminal:
        return console.status(text)
    print(text, flush=True)
    return nullcontext()


@dataclass(slots=True)
class RunnerState:
    """What the view knows of one runner."""

    name: str
    session: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    cue: dict[str, Any] | None = None
    strides: dict[str, deque[dict[str, Any]]] = field(
        default_factory=lambda: {leg: deque(maxlen=STRIDES_DRAWN) for leg in LEGS}
    )
    signal_s: float = 0.0  # the newest time heard of, on the session's clock
    untold: list[dict[str, Any]] = field(default_factory=list)  # strides since the last line about strides
    told_s: float = 0.0

    def elapsed_s(self, now: datetime) -> float:
        """Since the session's start: of the run itself in a replay, which may go faster than the clock."""
        if not self.session or is_replay(self.session["source"]):
            return self.signal_s
        end = self.session.get("ended_utc")
        end = datetime.fromisoformat(end) if end else now
        return max(0.0, (end - datetime.fromisoformat(self.session["started_utc"])).total_seconds())

    def mean(self, name: str, *legs: str) -> float | None:
        """Mean over the last strides of these legs, where it is known."""
        values = [s[name] for leg in legs for s in list(self.strides[leg])[-STRIDES_MEANT:] if s[name] is not None]
        return statistics.fmean(values) if values else None

    @property
    def lost(self) -> list[str]:
        return [role for role, pod in self.pods.items() if pod["link"] == "lost"]

    @property
    def texts(self) -> Language:
        return language(self.status.get("language", "en"))


class TerminalView:
    """`await TerminalView(feed).run()` shows what happens until it is cancelled.

    `note`: a line that stays in sight, such as the live page's address.
    """

    def __init__(self, feed: Feed, console: Console | None = None, note: str = "") -> None:
        self._feed = feed
        self._console = console or Console()
        self._note = note
        self._runners: dict[str, RunnerState] = {}
        self._untold: deque[str] = deque()  # lines to be written, by one thread at a time
        self._telling = threading.Lock()

    async def run(self) -> None:
        with self._feed.subscribe() as messages:
            for message in self._feed.latest():
                self._take(message)
            await (self._run_live(messages) if self._console.is_terminal else self._rununbroken(messages))

    async def _rununbroken(self, messages: Subscription) -> None:
        if self._note:
            self._untold.append(self._note)
        try:
            await asyncio.to_thread(self._tell)
            async for message in messages:
                self._untold += self._take(message)
                await asyncio.to_thread(self._tell)
        finally:  # the last word of a run, and that it ended, were published just before this is stopped
            for message in messages.left():
                self._untold += self._take(message)
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_S):
                    await asyncio.to_thread(self._tell)

    def _tell(self) -> None:
        with self._telling:
            while self._untold:
                self._write(self._untold.popleft())

    def _write(self, line: str) -> None:
        try:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
            self._console.file.flush()
        except (BrokenPipeError, SystemExit):
            # Nobody reads any more, as after `| head`; rich would end the program for it. The run goes on, unseen.
            self._console.quiet = True

    async def _run_live(self, messages: Subscription) -> None:
        async def take_all() -> None:
            async for message in messages:
                self._take(message)

        # Refreshed by hand: rich's own thread would read the state while it changes.
        live = Live(self.render(), console=self._console, auto_refresh=False)
        taking = asyncio.create_task(take_all())
        live.start()
        try:
            while not taking.done():
                await asyncio.sleep(REFRESH_S)
                await asyncio.to_thread(live.update, self.render(), refresh=True)
            await taking
        finally:
            taking.cancel()
            for message in messages.left():
                self._take(message)
            live.update(self.render())
            live.stop()

    def _take(self, message: Message) -> list[str]:
        """Notes the message; returns the plain lines that tell of it."""
        payload, kind = message.payload, message.kind
        runner = self._runners.setdefault(message.runner, RunnerState(message.runner))
        now = datetime.now(UTC)
        if kind == "session":
            if payload["session"] != runner.session.get("session"):
                runner = self._runners[message.runner] = RunnerState(message.runner)
            runner.session = payload
            return [self._line(runner, now, f"session {payload['session']} {payload['event']} ({payload['source']})")]
        if kind == "status":
            return self._take_status(runner, payload, now)
        if kind == "pods":
            return self._take_pods(runner, payload, now)
        if kind == "stride":
            return self._take_stride(runner, payload)
        if kind == "cue":
            runner.cue = payload
            runner.signal_s = max(runner.signal_s, payload["t_s"])
            which = " ".join(filter(None, (payload["kind"], payload["fault"], payload["side"], payload["context"])))
            return [self._stamped(runner, payload["t_s"], f"{which}: {payload['text']}")]
        return []

    def _take_status(self, runner: RunnerState, status: dict[str, Any], now: datetime) -> list[str]:
        before, runner.status = runner.status, status
        lines = []
        if (status["phase"], status["prompt"]) != (before.get("phase"), before.get("prompt")):
            lines.append(status["phase"] + (f": {status['prompt']}" if status["prompt"] else ""))
        if set(status["held"]) != set(before.get("held", ())):
            lines.append("form patterns held: " + (", ".join(status["held"]) or "none"))
        return [self._line(runner, now, line) for line in lines]

    def _take_pods(self, runner: RunnerState, payload: dict[str, Any], now: datetime) -> list[str]:
        before, runner.pods = runner.pods, {pod["role"]: pod for pod in payload["pods"]}
        return [
            self._line(runner, now, f"pod {role} {pod['link']}")
            for role, pod in runner.pods.items()
            if pod["link"] != before.get(role, {}).get("link")
        ]

    def _take_stride(self, runner: RunnerState, stride: dict[str, Any]) -> list[str]:
        runner.strides[stride["side"]].append(stride)
        runner.signal_s = max(runner.signal_s, stride["decided_s"])
        runner.untold.append(stride)
        runner.told_s = runner.told_s or runner.signal_s
        if runner.signal_s - runner.told_s < STRIDES_LINE_S:
            return []
        flagged = sum(bool(s["quality"]) for s in runner.untold)
        tilt = _figure(runner.mean("pelvic_tilt_deg", *LEGS))
        text = (
            f"{len(runner.untold)} strides: {_figure(runner.mean('cadence_spm', *LEGS), 0)} spm, "
            f"{_kmh(runner)} km/h, tibia left {_figure(runner.mean(TIBIA, 'left'))} "
            f"right {_figure(runner.mean(TIBIA, 'right'))} deg, tilt {tilt} deg"
        )
        runner.told_s, runner.untold = runner.signal_s, []
        return [self._stamped(runner, runner.signal_s, text + (f", {flagged} flagged" if flagged else ""))]

    def _line(self, runner: RunnerState, now: datetime, text: str) -> str:
        return self._stamped(runner, runner.elapsed_s(now), text)

    def _stamped(self, runner: RunnerState, seconds: float, text: str) -> str:
        who = f"{runner.name} " if len(self._runners) > 1 else ""
        return f"{clock_text(seconds)} {who}{text}"

    def render(self) -> RenderableType:
        """All panels as they are now."""
        now = datetime.now(UTC)
        panels: list[RenderableType] = [_panel(runner, now) for runner in self._runners.values()]
        if not panels:
            panels.append(Panel(Text("Waiting for a session to start.", style="dim"), title="hamstream"))
        spoken = {runner.texts.page["disclaimer"]: None for runner in self._runners.values()}
        note = Text(" ".join(spoken) or language("en").page["disclaimer"], style="dim")
        return Group(*panels, Text.assemble(self._note, "   ", note) if self._note else note)


def clock_text(seconds: float) -> str:
    """Minutes, seconds and tenths, with hours from the first on: `00:34.2`, `1:02:03.4`."""
    tenths = int(seconds * 10 + 1e-6)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}:' if hours else ''}{minutes:02d}:{tenths // 10:02d}.{tenths % 10}"


def _figure(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _kmh(runner: RunnerState) -> str:
    speed_mps = runner.mean("speed_mps", *LEGS)
    return _figure(None if speed_mps is None else speed_mps * 3.6)


def _headline(runner: RunnerState, now: datetime) -> tuple[str, str]:
    """The one thing to say now, and the style it is said in."""
    phase, prompt, words = runner.status.get("phase", "waiting"), runner.status.get("prompt", ""), runner.texts.page
    if runner.session.get("event") == "ended":
        return words["ended"], "dim"
    if runner.cue is not None:
        age_s = (now - datetime.fromisoformat(runner.cue["decided_utc"])).total_seconds()
        if age_s < (PRAISE_SHOWN_S if runner.cue["kind"] == "praise" else CUE_SHOWN_S):
            return runner.cue["text"], _STYLES[runner.cue["kind"]]
    if runner.lost:
        return prompt or words["lost"].format(pod=words["pods"][runner.lost[0]]), _STYLES["lost"]
    if prompt:
        return prompt, _STYLES["prompt"]
    if phase == "running":
        return words["keepGoing" if runner.status["held"] else "calm"], _STYLES["running"]
    return words[_PHASES.get(phase, phase)], _STYLES.get(phase, "dim")


def _panel(runner: RunnerState, now: datetime) -> Panel:
    text, style = _headline(runner, now)
    texts = runner.texts
    words = texts.page
    headline = Padding(Align.center(Text(text, style=style), style=style), (1, 0), style=style)
    figures = Table.grid(padding=(0, 2))
    figures.add_column(justify="right", style="dim")
    for _ in range(3):
        figures.add_column()
    known = [s[TIBIA] for leg in LEGS for s in runner.strides[leg] if s[TIBIA] is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    # At least ten degrees from bottom to top, so that noise does not look like news.
    air = max(0.0, 10.0 - (high - low)) / 2
    for leg, colour in zip(LEGS, ("bright_blue", "yellow"), strict=True):
        angles = [math.nan if s[TIBIA] is None else s[TIBIA] for s in runner.strides[leg]]
        line = bars(angles, low - air, high + air, " ")
        figures.add_row(
            texts.report[leg],
            Text(f"{texts.local(_figure(runner.mean(TIBIA, leg))):>5}°", style=f"bold {colour}"),
            Text(line.rjust(STRIDES_DRAWN), style=colour),
        )
    held = ", ".join(texts.faults[fault].short for fault in runner.status.get("held", ()))
    row = Text.assemble(
        (_figure(runner.mean("cadence_spm", *LEGS), 0), "bold"), " spm   ",
        (texts.local(_kmh(runner)), "bold"), f" km/h   {unbroken(texts.metrics[TILT].name)} ",
        (texts.local(_figure(runner.mean(TILT, *LEGS))), "bold"), f"°   {words['held']}: ",
        (held or words["nothingHeld"], "bold"),
    )  # fmt: skip
    last = runner.cue and Text(f"{words['last']}: {clock_text(runner.cue['t_s'])} {runner.cue['text']}", style="dim")
    shin = Text(unbroken(texts.metrics[TIBIA].name), style="dim")
    body: list[RenderableType] = [headline, Text(), shin, figures, row, _pods(runner), *([last] if last else [])]
    clock = clock_text(runner.elapsed_s(now))[:-2]
    return Panel(Group(*body), title=f"[b]{runner.name}[/b]", subtitle=clock, title_align="left", padding=(0, 2))


def _pods(runner: RunnerState) -> Text:
    text, words = Text(), runner.texts.page
    for role, pod in runner.pods.items():
        good = pod["link"] == "streaming"
        sent = pod["packets"] + pod["lost_packets"]
        lost = runner.texts.local(f"{100 * pod['lost_packets'] / max(sent, 1):.1f}")
        loss = f" {words['loss']} {lost} %" if sent else ""
        text.append("● " if good else "○ ", style="green" if good else "bold red")
        text.append(f"{words['pods'][role]} {'' if good else words['links'][pod['link']]}".rstrip())
        battery = pod["battery_percent"]
        low = battery is not None and battery < LOW_BATTERY_PERCENT
        text.append(f" {_figure(battery, 0)} %", style="bold red" if low else "dim")
        text.append(f"{loss}   ", style="dim")
    return text
