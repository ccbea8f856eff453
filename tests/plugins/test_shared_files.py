"""Small files that every machine sees, in a folder and in an object store."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from secateur_airflow.shared_files import SharedFile


@pytest.fixture
def folder(root: str) -> SharedFile:
    return SharedFile(root)


def test_a_file_is_read_as_it_was_written_last(folder: SharedFile) -> None:
    file = folder.below("failures", "train_model.json")
    assert not file.exists()
    with pytest.raises(FileNotFoundError):
        file.read()
    file.write("first")
    file.write("a second \N{GREEK SMALL LETTER ALPHA}")
    assert file.read() == "a second \N{GREEK SMALL LETTER ALPHA}"
    file.delete()
    file.delete()
    assert not file.exists()


def test_a_folder_names_what_lies_directly_in_it(folder: SharedFile) -> None:
    assert folder.names() == []
    folder.below("run-b", "manifest.json").write("{}")
    folder.below("run-a", "deeper", "manifest.json").write("{}")
    folder.below("note").write("x")
    assert folder.names() == ["note", "run-a", "run-b"]


def test_of_sixteen_creators_one_wins_and_its_words_stay(folder: SharedFile) -> None:
    file = folder.below("alert", "claimed")

    def create(number: int) -> str | None:
        try:
            file.create(f"task {number}")
        except FileExistsError:
            return None
        return f"task {number}"

    with ThreadPoolExecutor(16) as pool:
        won = [name for name in pool.map(create, range(16)) if name]
    assert won == [file.read()]


def test_a_store_that_is_away_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    from secateur_airflow import shared_files

    for name, value in {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(shared_files, "s3_client", shared_files.s3_client.__wrapped__)
    with pytest.raises(OSError, match="s3://nights/x"):
        SharedFile("s3://nights/x").read()
