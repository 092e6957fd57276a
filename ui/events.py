"""How the page's events are run."""

from __future__ import annotations

from typing import Any

PRIVATE: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
"""Events that only arrange the page: at once, and for nobody else."""

WORK: dict[str, Any] = {"concurrency_id": "work", "concurrency_limit": 1}
"""Events that keep the processor busy share one place: one of them runs, the others wait."""
