"""The broadcast inside the process."""

import json
import math

import pytest

from host.feed import Feed, Message, to_payload
from host.records import Cue


def message(number: int, runner: str = "ann", kind: str = "stride") -> Message:
    return Message(runner, kind, {"number": number})


async def test_subscribers_each_get_every_message_in_order() -> None:
    feed = Feed()
    with feed.subscribe() as first, feed.subscribe() as second:
        for number in range(3):
            feed.publish(message(number))
        for subscriber in (first, second):
            assert [(await anext(subscriber)).payload["number"] for _ in range(3)] == [0, 1, 2]


async def test_a_slow_subscriber_loses_its_oldest_messages_and_nobody_waits() -> None:
    feed = Feed(backlog=4)
    with feed.subscribe() as slow:
        for number in range(10):
            feed.publish(message(number))
        assert [(await anext(slow)).payload["number"] for _ in range(4)] == [6, 7, 8, 9]


def test_latest_keeps_one_message_a_runner_and_kind() -> None:
    feed = Feed()
    feed.publish(message(1))
    feed.publish(message(2))
    feed.publish(message(3, runner="bo"))
    feed.publish(message(4, kind="cue"))
    assert [(m.runner, m.kind, m.payload["number"]) for m in feed.latest()] == [
        ("ann", "stride", 2),
        ("bo", "stride", 3),
        ("ann", "cue", 4),
    ]


def test_a_new_session_forgets_what_the_one_before_said() -> None:
    """Who opens the page in the second run must not read the first one's cue."""
    feed = Feed()
    started = {"event": "started"}
    feed.publish(message(1, kind="cue"))
    feed.publish(message(2, runner="bo", kind="cue"))
    feed.publish(Message("ann", "session", started))
    feed.publish(message(3, kind="status"))
    assert [(m.runner, m.kind) for m in feed.latest()] == [("bo", "cue"), ("ann", "session"), ("ann", "status")]
    feed.publish(Message("ann", "session", {"event": "ended"}))
    assert [(m.runner, m.kind) for m in feed.running()] == [("bo", "cue")]


def test_a_payload_is_json_whatever_is_unknown() -> None:
    payload = to_payload(Cue(math.nan, "cue", "overstride", "", "", "Land light."), valid_until=math.inf)
    assert json.loads(json.dumps(payload, allow_nan=False))["t_s"] is None
    assert payload["valid_until"] is None


def test_only_records_have_payloads() -> None:
    with pytest.raises(TypeError, match="no record"):
        to_payload({"a": 1})
