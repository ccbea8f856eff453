"""The command `secateur score` on a CSV file with lists, histories, vectors and numbers."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from all_kinds import KEY, SCHEMA, sealed_features
from secateur import artifacts, client
from secateur.contracts.candidates import Recipe
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import MadeBy
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import load_split
from secateur.model.training.holdout import predict
from secateur.packaging.assembly import write_package
from secateur.packaging.source import package_source
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import Signer, new_seed
from secateur.scenario import Training


def cell(value: object, separator: str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return (separator or " ").join(map(str, value))
    return str(value)


def test_lists_are_separated_text_and_histories_are_between_blanks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    features = sealed_features(tmp_path / "features")
    model = new_model(SCHEMA, Training(embedding_dim=4, hidden=(8,)), seed=1).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    seed, by = new_seed(), MadeBy("test", "0")
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", Signer.of(seed).public)
    monkeypatch.setenv("SECATEUR_ID_KEY", KEY.decode())
    with artifacts.create((tmp_path / "package").as_uri(), "Package") as draft:
        inputs = load_split(features, "tune").inputs
        write_package(draft, model, Recipe("r"), package_source(features), inputs, "A sample")
        package = draft.seal(by, {}, {}).digest
    accepted = Verdict(True, "", "r", package, "d" * 64, 10**6, 0.01, 0.01, None, ())
    with artifacts.create((tmp_path / "verdict").as_uri(), "Verdict") as draft:
        draft.write("verdict.json", accepted)
        draft.seal(by, {}, {})
    signer, store = Signer.of(seed), str(tmp_path / "store" / "all_kinds")
    sealed = [
        artifacts.open_artifact((tmp_path / kind.lower()).as_uri(), kind)
        for kind in ("Package", "Verdict")
    ]
    publish(Publisher(Catalogue.at(store, signer.trust()), signer), "latest", *sealed)

    table = pq.read_table(features.folder / "confirm")
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in SCHEMA.inputs])
        for row in table.to_pylist():
            writer.writerow(
                cell(row[f"value_{f.name}"], getattr(f, "separator", None)) for f in SCHEMA.inputs
            )
    rows = [store, str(tmp_path / "rows.csv"), "--hashed", "--cache", str(tmp_path / "cache")]
    assert client.main(["score", *rows]) == 0
    found = [float(line) for line in capsys.readouterr().out.splitlines()]
    expected = torch.sigmoid(predict(model, load_split(features, "confirm").inputs))
    assert found == pytest.approx(expected.tolist(), abs=1e-5)
