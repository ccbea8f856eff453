"""A file sent in parts, some at a time: memory is bounded by them, whatever the file's size."""

import contextlib
import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from secateur.display.progress import advance_progress
from secateur.storage.deadlines import answer_within, seconds_for
from secateur.storage.store import demand_sha256

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 16 << 20
AT_A_TIME = 4
MOST_PARTS = 10_000  # that S3 allows


def send_parts(
    client: "S3Client",
    bucket: str,
    key: str,
    path: Path,
    condition: Mapping[str, str],
    sha256: str | None = None,
) -> None:
    """Upload a file, and complete it on the condition. A failed upload leaves nothing behind.

    Its bytes are hashed on their way: raises CorruptArtifact where they have not this `sha256`.
    """
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]

    def send(number: int, data: bytes) -> "CompletedPartTypeDef":
        answer = answer_within(
            seconds_for(len(data)),
            lambda: client.upload_part(
                Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=data
            ),
            f"s3://{bucket}/{key}, part {number}",
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}

    pool, digest = ThreadPoolExecutor(AT_A_TIME), hashlib.sha256()
    waiting: deque[tuple[Future[CompletedPartTypeDef], int]] = deque()
    sent: list[CompletedPartTypeDef] = []

    def wait_for_first() -> None:
        part, size = waiting.popleft()
        sent.append(part.result())
        advance_progress(size)

    try:
        for number, data in enumerate(_parts(path), start=1):
            waiting.append((pool.submit(send, number, data), len(data)))
            digest.update(data)
            if len(waiting) == AT_A_TIME:
                wait_for_first()
        while waiting:
            wait_for_first()
        demand_sha256(path, digest, sha256)
        client.complete_multipart_upload(
            Bucket=bucket,
            Key=key,
            UploadId=upload,
            MultipartUpload={"Parts": sent},
            **condition,  # type: ignore[arg-type]
        )
    except BaseException:
        pool.shutdown(cancel_futures=True)
        with contextlib.suppress(Exception):  # the first error is the one to tell
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        raise
    finally:
        pool.shutdown()


def _parts(path: Path) -> Iterator[bytes]:
    part_bytes = max(PART_BYTES, -(-path.stat().st_size // MOST_PARTS))
    with path.open("rb") as file:
        while data := file.read(part_bytes):
            yield data
