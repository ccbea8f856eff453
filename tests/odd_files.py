"""Ways in which the same rows come in odd files. Each writes lines below a day's folder."""

import bz2
import gzip
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import zstandard

Writer = Callable[[Path, Sequence[str]], None]
SKIPPABLE_FRAME = struct.pack("<II", 0x184D2A50, 9) + b"not a row"


def packed(lines: Sequence[str]) -> bytes:
    return gzip.compress(text(lines), mtime=0)


def text(lines: Sequence[str], end: str = "\n") -> bytes:
    return "".join(f"{line}{end}" for line in lines).encode()


def halves(lines: Sequence[str]) -> tuple[bytes, bytes]:
    return text(lines[:3]), text(lines[3:])


def braces_in_name(folder: Path, lines: Sequence[str]) -> None:
    (folder / "clicks {eu,us}.csv").write_bytes(text(lines))


def brackets_in_name(folder: Path, lines: Sequence[str]) -> None:
    (folder / "clicks[0-9]*?.csv").write_bytes(text(lines))


def uri_signs_in_name(folder: Path, lines: Sequence[str]) -> None:
    (folder / "50%25 a+b#c&d;e=f.csv").write_bytes(text(lines))


def backslash_in_name(folder: Path, lines: Sequence[str]) -> None:
    (folder / "a\\b`c'd\"e.csv.gz").write_bytes(packed(lines))


def letters_in_name(folder: Path, lines: Sequence[str]) -> None:
    (folder / "журнал é 日志.csv").write_bytes(text(lines))


def checksum_of_another(folder: Path, lines: Sequence[str]) -> None:
    (folder / "sum.csv").write_bytes(text(lines))
    (folder / ".sum.csv.crc").write_bytes(b"crc\x00\x00\x00\x02\x00\x01\x02\x03\x04")


def hidden_beside(folder: Path, lines: Sequence[str]) -> None:
    (folder / "plain.csv").write_bytes(text(lines))
    for name in ("_SUCCESS", ".x.csv", "y.csv._COPYING_", "y.csv.crc", "z.csv.tmp"):
        (folder / name).write_bytes(b"half a line")
    (folder / "_temporary").mkdir()
    (folder / "_temporary" / "part-0.csv").write_bytes(b"half a line")


def folder_in_day(folder: Path, lines: Sequence[str]) -> None:
    (folder / "country=de {x}").mkdir()
    (folder / "country=de {x}" / "log.csv").write_bytes(text(lines))


def cr_line_ends(folder: Path, lines: Sequence[str]) -> None:
    (folder / "cr.csv").write_bytes(text(lines, "\r"))


def mixed_line_ends(folder: Path, lines: Sequence[str]) -> None:
    ends = ("\r\n", "\r", "\n", "\n\r", "\r\n\r\n", "\n \t\n")
    mixed = (f"{line}{ends[n % len(ends)]}" for n, line in enumerate(lines))
    (folder / "mixed.csv.gz").write_bytes(gzip.compress("".join(mixed).encode()))


def no_last_line_end(folder: Path, lines: Sequence[str]) -> None:
    (folder / "no_end.csv").write_bytes(text(lines)[:-1])


def byte_order_mark(folder: Path, lines: Sequence[str]) -> None:
    (folder / "bom.csv").write_bytes(b"\xef\xbb\xbf\r\n" + text(lines, "\r\n"))


def gzip_members(folder: Path, lines: Sequence[str]) -> None:
    parts = (b"", *halves(lines), b"")
    (folder / "members.csv.gz").write_bytes(b"".join(map(gzip.compress, parts)))


def gzip_padded(folder: Path, lines: Sequence[str]) -> None:
    one, other = map(gzip.compress, halves(lines))
    (folder / "padded.csv.gz").write_bytes(one + bytes(512) + other + bytes(3))


def bz2_streams(folder: Path, lines: Sequence[str]) -> None:
    (folder / "streams.csv.bz2").write_bytes(b"".join(map(bz2.compress, halves(lines))))


def zstd_frames(folder: Path, lines: Sequence[str]) -> None:
    one, other = map(zstandard.ZstdCompressor().compress, halves(lines))
    frames = SKIPPABLE_FRAME + one + SKIPPABLE_FRAME + other + SKIPPABLE_FRAME
    (folder / "frames.csv.zst").write_bytes(frames)


def suffix_in_capitals(folder: Path, lines: Sequence[str]) -> None:
    (folder / "LOG.CSV.GZ").write_bytes(packed(lines))


def gzip_without_suffix(folder: Path, lines: Sequence[str]) -> None:
    (folder / "part-0").write_bytes(packed(lines))


def bz2_without_suffix(folder: Path, lines: Sequence[str]) -> None:
    (folder / "part-1").write_bytes(bz2.compress(text(lines)))


def zstd_without_suffix(folder: Path, lines: Sequence[str]) -> None:
    frame = zstandard.ZstdCompressor().compress(text(lines))
    (folder / "part-2.csv").write_bytes(SKIPPABLE_FRAME + frame)


def link_to_a_folder(folder: Path, lines: Sequence[str]) -> None:
    """One that holds a link back, too."""
    elsewhere = folder.parents[1] / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "log.csv").write_bytes(text(lines))
    (folder / "linked").symlink_to(elsewhere)
    (folder / "again").symlink_to(folder)


def link_to_a_file(folder: Path, lines: Sequence[str]) -> None:
    elsewhere = folder.parents[1] / "elsewhere.csv"
    elsewhere.write_bytes(text(lines))
    (folder / "linked.csv").symlink_to(elsewhere)


def line_break_in_name(folder: Path, lines: Sequence[str]) -> None:
    (folder / "two\nlines .csv").write_bytes(text(lines))


def accent_in_two_ways(folder: Path, lines: Sequence[str]) -> None:
    header, *rows = lines
    for place, name in enumerate(("\u00e9.csv", "e\u0301.csv")):
        (folder / name).write_bytes(text([header, *rows[place::2]]))


def zeros_at_the_end(folder: Path, lines: Sequence[str]) -> None:
    (folder / "full.csv").write_bytes(text(lines) + bytes(4096))


def blanks_in_header(folder: Path, lines: Sequence[str]) -> None:
    (folder / "blanks.csv").write_bytes(text([lines[0].replace(",", " , "), *lines[1:]]))


def header_alone(folder: Path, lines: Sequence[str]) -> None:
    """Twice, beside the rows."""
    (folder / "rows.csv").write_bytes(text(lines))
    for name in ("empty.csv", "none.csv"):
        (folder / name).write_bytes(text(lines[:1]))


def columns_reordered(folder: Path, lines: Sequence[str]) -> None:
    turned = (",".join(reversed(line.split(","))) for line in lines)
    (folder / "turned.csv").write_bytes(text(list(turned)))


def quoted_header(folder: Path, lines: Sequence[str]) -> None:
    header = ",".join(f'"{name}"' for name in lines[0].split(","))
    (folder / "quoted.csv").write_bytes(text([header, *lines[1:]]))


READ: tuple[Writer, ...] = (
    braces_in_name,
    brackets_in_name,
    uri_signs_in_name,
    backslash_in_name,
    letters_in_name,
    checksum_of_another,
    hidden_beside,
    folder_in_day,
    cr_line_ends,
    mixed_line_ends,
    no_last_line_end,
    byte_order_mark,
    gzip_members,
    gzip_padded,
    bz2_streams,
    zstd_frames,
    suffix_in_capitals,
    gzip_without_suffix,
    bz2_without_suffix,
    zstd_without_suffix,
    link_to_a_folder,
    link_to_a_file,
    line_break_in_name,
    accent_in_two_ways,
    zeros_at_the_end,
    blanks_in_header,
    header_alone,
    columns_reordered,
    quoted_header,
)
