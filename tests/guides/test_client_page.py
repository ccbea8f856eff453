"""The client's page is run as it stands, against a small package published in the test."""

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import Signer, new_seed
from small_package import KEY, sealed

from .pages import GUIDES, blocks, prose

PAGE = GUIDES / "client.md"


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page takes as given: a store with a release, and the keys."""
    signer = Signer.of(new_seed())
    monkeypatch.setenv("SECATEUR_ID_KEY", KEY)
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", signer.public)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = str(tmp_path / "models" / "short_video")
    package, verdict = sealed(tmp_path, 1)
    catalogue = Catalogue.at(store, signer.trust())
    publish(Publisher(catalogue, signer), "latest", package, verdict)
    return {"store": store, "key": KEY.encode(), "public_key": signer.public}


def test_every_python_block_runs_in_order(names: dict[str, Any]) -> None:
    code = [block.text for block in blocks(PAGE) if block.language == "python"]
    assert len(code) >= 8
    printed = io.StringIO()
    with redirect_stdout(printed):
        for text in code:
            exec(compile(text, str(PAGE), "exec"), names)  # noqa: S102 - the page is ours
    said = printed.getvalue()
    assert "user_id user" in said
    assert "missing ['duration_ms']" in said
    assert names["release"].manifest.number == 1


def test_the_page_explains_all_that_a_service_may_call() -> None:
    import secateur
    from secateur.serving.scorer import Scorer

    # For evaluation and the server only.
    inside = {"encode", "score_ids", "score_task_ids", "ids_of", "repeat_request", "inputs_of"}
    inside |= {"ranked_item"}
    public = {name for name in vars(Scorer) if not name.startswith("_")} - inside
    text = prose(PAGE)
    assert {name for name in secateur.__all__ if f"secateur.{name}(" not in text} == set()
    called = {name for name in public if f"scorer.{name}" in text}
    assert called == public - {"resident_bytes"}
