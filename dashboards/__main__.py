"""`python -m dashboards`: writes every dashboard's JSON into json/ here."""

import json
from collections.abc import Callable
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import runner_live, season, service_health, session_review, team_wall

FOLDER = Path(__file__).parent / "json"
BOARDS: dict[str, Callable[[], Dashboard]] = {
    "team-wall": team_wall.board,
    "runner-live": runner_live.board,
    "session-review": session_review.board,
    "season": season.board,
    "service-health": service_health.board,
}


def write(folder: Path) -> None:
    for name, board in BOARDS.items():
        text = json.dumps(board(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
