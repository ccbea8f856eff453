"""A file sent in parts, some at a time: memory is bounded by them, whatever the file's size."""

import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from secateur.storage.deadlines import answer_within, seconds_for

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 16 << 20
AT_A_TIME = 4
MOST_PARTS = 10_000  # that S3 allows


def send_parts(
    client: "S3Client", bucket: str, key: str, path: Path, condition: Mapping[str, str]
) -> None:
    """Upload a file, and complete it on the condition. A failed upload leaves nothing behind."""
    size = path.stat().st_size
    part_bytes = max(PART_BYTES, -(-size // MOST_PARTS))
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]

    def send(number: int) -> "CompletedPartTypeDef":
        with path.open("rb") as file:
            file.seek((number - 1) * part_bytes)
            data = file.read(part_bytes)
        answer = answer_within(
            seconds_for(len(data)),
            lambda: client.upload_part(
                Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=data
            ),
            f"s3://{bucket}/{key}, part {number}",
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}

    pool = ThreadPoolExecutor(AT_A_TIME)
    try:
        parts = list(pool.map(send, range(1, -(-size // part_bytes) + 1)))
        client.complete_multipart_upload(
            Bucket=bucket,
            Key=key,
            UploadId=upload,
            MultipartUpload={"Parts": parts},
            **condition,  # type: ignore[arg-type]
        )
    except BaseException:
        pool.shutdown(cancel_futures=True)
        with contextlib.suppress(Exception):  # the first error is the one to tell
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        raise
    finally:
        pool.shutdown()
