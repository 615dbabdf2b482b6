"""Bytes of a person's file: packed in any way, damaged, no table at all, or not to be opened."""

import bz2
import errno
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from momentum_jax.market.catalog import names_no_symbol
from momentum_jax.market.errors import DataError
from momentum_jax.market.files.encodings import encoding_of
from momentum_jax.market.files.formats import FileFormat
from momentum_jax.market.market_options import MarketConfig
from momentum_jax.market.sources import FileSource, load_bars
from momentum_jax.market.vix.daily_vix import load_vix
from tests.market.advice import flags_in, inspected
from tests.market.plain_bars import HEADER, MINUTES, OPEN, first_of, rows

PLAIN = "\n".join([HEADER, *rows()]).encode() + b"\n"
HEADERS = {
    "ja": "日時,始値,高値,安値,終値,出来高",
    "ru": "Дата и время,Цена открытия,Максимальная цена,Минимальная цена,Цена закрытия,Объём торгов",
    "ar": "\u200fالتاريخ,الافتتاح,الأعلى,الأدنى,الإغلاق,الحجم",
    "de": "Zeit,Eröffnung,Hoch,Tief,Schluss,Volumen",
}


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def zstandard(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


PACKED = {
    ".csv": PLAIN,
    ".csv.gz": gzip.compress(PLAIN),
    ".csv.bz2": bz2.compress(PLAIN),
    ".csv.xz": lzma.compress(PLAIN),
    ".csv.zst": zstandard(PLAIN),
    ".zip": zipped(**{"data/": b"", "data/SPY.csv": PLAIN, "__MACOSX/._SPY.csv": b"x"}),
}
NAMES = (*PACKED, ".xls", ".xlsx", ".xlsm", ".xlsb")


def parquet() -> bytes:
    packed = io.BytesIO()
    pd.DataFrame({"close": [1.0]}).to_parquet(packed)
    return packed.getvalue()


@pytest.mark.parametrize("suffix", NAMES)
@pytest.mark.parametrize("packing", PACKED)
def test_a_file_is_unpacked_by_its_content_whatever_its_name(tmp_path, packing, suffix):
    path = tmp_path / f"SPY{suffix}"
    path.write_bytes(PACKED[packing])
    assert first_of(path) == OPEN


@pytest.mark.parametrize(
    ("packing", "damage"),
    # zstd keeps no checksum of its own accord.
    [(name, damage) for name in PACKED for damage in ("cut", "changed") if (name, damage) != (".csv.zst", "changed")][
        2:
    ],
)
def test_damage_is_refused_in_one_line_by_bars_and_vix_alike(tmp_path, capsys, packing, damage):
    path = tmp_path / f"SPY{packing}"
    whole = bytearray(PACKED[packing])
    whole[-len(whole) // 2] ^= 0xFF
    path.write_bytes(bytes(whole) if damage == "changed" else PACKED[packing][: len(PACKED[packing]) // 2])
    for command in (["--data_source=csv", f"--data_path={path}"], ["inspect-vix", f"--vix_path={path}"]):
        code, _, error = inspected(capsys, command)
        assert code == 2 and error.count("\n") == 1
        assert f"{path}: cannot be unpacked (" in error and "copy it again" in error


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", parquet(), "is a Parquet file: give --data_source=parquet"),
        (
            "a.xlsx",
            b"PK\x03\x04" + bytes(range(256)),
            "(File is not a zip file): the file is damaged",
        ),
        ("a.xls", b"<table><tr><td>Date</td></tr></table>\n", "is a web page"),
        ("a.xls", b'\xef\xbb\xbf<?xml version="1.0"?>\n<Workbook/>\n', "is XML"),
        ("a.csv", zipped(**{"xl/workbook.xml": b"x", "docProps/app.xml": b"x"}), "is an Excel file: save"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel file: save"),
        ("a.csv", b"<!DOCTYPE html>\n<html><body>Access denied, try later</body></html>\n", "is a web page"),
        ("a.csv", b'{"open": 1}', "is JSON, such as a service's answer or refusal: save or download its table as CSV"),
        ("a.csv", b'{\n    "Information": "Our standard API rate limit"\n}', "is JSON"),
        ("a.csv", b"\xef\xbb\xbf\n{ }", "is JSON"),
        ("a.csv", b'[\r\n\t{\r\n\t\t"open": 1}]', "is JSON"),
        ("a.csv", b'[[1499040000000, "0.0163"]]', "is JSON"),
        ("a.tar.gz", gzip.compress(bytes(257) + b"ustar" + bytes(250)), "is a tar archive: unpack it"),
        ("a.zip", zipped(), "holds 0 files, expected one table"),
        ("a.zip", zipped(**{"a.csv": PLAIN, "b.csv": PLAIN}), "holds 2 files, expected one table: unpack it"),
        ("a.csv", bytes(range(256)) * 4, "it holds bytes that are no text; give a CSV"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # packed content holds the time
)
def test_what_is_no_text_is_called_by_its_name(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_bars(path, "SPY")
    assert words in str(caught.value) and "encoding=" not in str(caught.value) and "\n" not in str(caught.value)


def test_parquet_and_csv_taken_for_each_other_are_read_by_the_source_that_the_refusal_names(tmp_path, capsys):
    bars = [f"{HEADER}", *rows()]
    text, packed = tmp_path / "bars.parquet", tmp_path / "bars.csv"
    text.write_text("\n".join(bars) + "\n")
    pd.read_csv(text).to_parquet(packed)
    for path, declared, advice in ((text, "parquet", "csv"), (packed, "csv", "parquet")):
        code, _, error = inspected(capsys, [f"--data_source={declared}", f"--data_path={path}", "--symbols=SPY"])
        assert code == 2 and flags_in(error) == [f"--data_source={advice}"]
        _, text, error = inspected(capsys, [*flags_in(error), f"--data_path={path}", "--symbols=SPY"])
        assert error == "" and "12 bars" in text


def test_a_vix_file_of_the_other_kind_is_read_under_the_name_that_the_refusal_asks_for(tmp_path):
    text = tmp_path / "vix.parquet"
    text.write_text("date,close\n2024-05-14,13.5\n")
    with pytest.raises(DataError, match=r"it holds text\): let its name end in \.csv"):
        load_vix(text)
    assert load_vix(text.rename(tmp_path / "vix.csv")).to_list() == [13.5]
    packed = tmp_path / "packed.csv"
    pd.DataFrame({"date": ["2024-05-14"], "close": [13.5]}).to_parquet(packed)
    with pytest.raises(DataError, match=r"is a Parquet file: let its name end in \.parquet"):
        load_vix(packed)
    assert load_vix(packed.rename(tmp_path / "packed.parquet")).to_list() == [13.5]


@pytest.mark.parametrize("method", ["is_dir", "is_file", "open", "iterdir"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_may_not_be_read_is_refused_in_one_line(tmp_path, monkeypatch, method, kind):
    (tmp_path / f"SPY.{kind}").write_bytes(PLAIN)

    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, method, refuse)
    path = tmp_path if method == "iterdir" else tmp_path / f"SPY.{kind}"
    with pytest.raises(DataError, match=r"may not be read by this user: change its permissions or copy it$"):
        FileSource(path, FileFormat(kind=kind)).bars("SPY", None, None)
    if method != "iterdir":
        with pytest.raises(DataError, match="may not be read by this user"):
            load_vix(path)
        names_no_symbol(MarketConfig(data_source=kind, data_path=str(path)))  # raises nothing


def test_a_path_that_is_too_long_is_refused(tmp_path):
    path = tmp_path / ("a" * 300)
    for read in (
        lambda: FileSource(path, FileFormat()).bars("SPY", None, None),
        lambda: load_bars(path, "SPY"),
        lambda: load_vix(path),
    ):
        with pytest.raises(DataError, match=r"cannot be opened \(File name too long\): check the path"):
            read()


def test_a_folder_is_searched_for_every_kind_of_file_that_can_be_read(tmp_path):
    for text in (".csv", ".tsv", ".txt"):
        for packing in (*(name for name in PACKED if name.startswith(".csv")), ".csv.zip"):
            path = tmp_path / f"SPY{text}{packing.removeprefix('.csv')}"
            path.write_bytes(PACKED[".zip" if packing == ".csv.zip" else packing])
            assert len(FileSource(tmp_path, FileFormat()).bars("SPY", None, None)) == MINUTES
            folder = tmp_path / "spy"
            folder.mkdir()
            path.rename(folder / path.name)
            assert len(FileSource(tmp_path, FileFormat()).bars("SPY", None, None)) == MINUTES
            (folder / path.name).unlink()
            folder.rmdir()


def test_the_home_folder_is_known_by_its_sign_wherever_a_path_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "bars.csv").write_bytes(PLAIN)
    code, text, error = inspected(capsys, ["--data_source=csv", "--data_path=~/bars.csv"])
    assert error == "" and "12 bars" in text
    (tmp_path / "vix.csv").write_text("day,vix\n2024-05-13,14\n2024-05-14,13.5\n")
    code, _, error = inspected(capsys, ["inspect-vix", "--vix_path=~/vix.csv"])
    assert code == 2 and flags_in(error) == ["--vix_columns=date,close"]
    code, text, _ = inspected(capsys, ["inspect-vix", "--vix_path=~/vix.csv", *flags_in(error)])
    assert code == 0 and "2 closes" in text
    (tmp_path / "other.csv").write_bytes(PLAIN.replace(b",", b";"))
    with pytest.raises(DataError) as caught:
        load_bars("~/other.csv", "SPY")
    assert flags_in(str(caught.value)) == ["--file_delimiter=;"]


# --- encodings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", HEADERS)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_known_by_its_mark_in_any_language(tmp_path, capsys, encoding, language):
    path = tmp_path / "bars.txt"
    path.write_bytes("\n".join(["\ufeff" + HEADERS[language], *rows()]).encode(encoding))
    command = ["--data_source=csv", f"--data_path={path}", "--symbols=SPY"]
    code, _, error = inspected(capsys, command)
    assert code == 2 and flags_in(error) == ["--file_columns=datetime,open,high,low,close,volume"]
    _, text, error = inspected(capsys, [*command, *flags_in(error)])
    assert error == "" and "12 bars" in text
    assert first_of(path, columns=tuple(HEADER.split(","))) == OPEN


@pytest.mark.parametrize("language", HEADERS)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_the_refusal_of_utf16_without_its_mark_names_it(tmp_path, encoding, language):
    path = tmp_path / "bars.txt"
    path.write_bytes("\n".join([HEADERS[language], *5 * rows()]).encode(encoding))
    with pytest.raises(DataError) as caught:
        load_bars(path, "SPY")
    assert "cp1252" not in str(caught.value) and f"--file_encoding={encoding}" in flags_in(str(caught.value))
    path.write_bytes("\n".join([HEADERS[language], *rows()]).encode(encoding))
    assert first_of(path, encoding=encoding, columns=tuple(HEADER.split(","))) == OPEN


def test_bytes_that_only_begin_like_utf16_are_of_another_encoding(tmp_path):
    path = tmp_path / "bars.csv"
    path.write_bytes(f"\xff\xfe,{HEADER}".encode("cp1252") + b"\n")
    assert encoding_of(path) == "utf-8-sig"
    path.write_bytes(b"\xff\xfe" + bytes(range(1, 256)) * 2)
    assert encoding_of(path) == "utf-8-sig"


@pytest.mark.parametrize("name", ["hex", "base64", "rot13", "zlib", "idna", "undefined", "no-such"])
@pytest.mark.parametrize("prefix", ["file", "vix"])
def test_codecs_that_are_not_for_text_are_refused(name, prefix):
    with pytest.raises(DataError, match=f"{prefix}_encoding is '{name}': use a name such as cp1252"):
        FileFormat(encoding=name, prefix=prefix)


@pytest.mark.parametrize(
    ("encoding", "note", "declared", "words"),
    [
        ("cp1252", "Börse", (), "declare its own, e.g. --{}_encoding=cp1252"),
        ("latin-1", "B\x81rse", (), "declare its own, e.g. --{}_encoding=latin-1"),
        ("latin-1", "B\x81rse", ("cp1252",), "declare its own, e.g. --{}_encoding=latin-1"),
        ("utf-8", "Börse", ("ascii",), "leave {}_encoding out"),
    ],
)
def test_the_encoding_that_a_refusal_names_reads_bars_and_vix(tmp_path, capsys, encoding, note, declared, words):
    bars, vix = tmp_path / "bars.csv", tmp_path / "vix.csv"
    bars.write_bytes("\n".join([f"{HEADER},note", *(f"{line},{note}" for line in rows())]).encode(encoding))
    vix.write_bytes(f"date,close,note\n2024-05-13,14,{note}\n2024-05-14,13.5,{note}\n".encode(encoding))
    for prefix, command in (
        ("file", ["--data_source=csv", "--symbols=SPY", f"--data_path={bars}"]),
        ("vix", ["inspect-vix", f"--vix_path={vix}"]),
    ):
        code, _, error = inspected(capsys, [*command, *(f"--{prefix}_encoding={name}" for name in declared)])
        assert code == 2 and words.format(prefix) in error
        code, text, error = inspected(capsys, [*command, *dict.fromkeys(flags_in(error))])
        assert error == "" and ("12 bars" in text or "2 closes" in text)
