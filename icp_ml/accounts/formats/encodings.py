"""The bytes of a text file as UTF-8, whatever they were: decided line by line, so no line depends on another.

A line that is valid UTF-8 is UTF-8. Any other is Windows-1252, unless it holds more UTF-8 characters than wrong bytes:
then only the wrong bytes are read as Windows-1252. UTF-16 is recognised by its mark or by where its zeros stand.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from icp_ml.exceptions import InputError

BLOCK_BYTES = 2**20
MAX_LINE_BYTES = 2**26
SAMPLE_BYTES = 65_536
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NAMES = {
    "utf-16-le": "UTF-16 (little-endian)", "utf-16-be": "UTF-16 (big-endian)",
    "utf-32-le": "UTF-32 (little-endian)", "utf-32-be": "UTF-32 (big-endian)",
}  # fmt: skip
# Windows-1252 leaves five bytes undefined; as everywhere they stand for the control characters of Latin-1.
_WINDOWS_1252 = "".join(bytes([i]).decode("cp1252", "ignore") or chr(i) for i in range(256))
_REST_AS_1252 = "icp_ml.windows-1252"


def _replace(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return windows_1252(error.object[error.start : error.end]), error.end


codecs.register_error(_REST_AS_1252, _replace)


def windows_1252(data: bytes) -> str:
    """Decode bytes as Windows-1252; every byte is a character."""
    return codecs.charmap_decode(data, "strict", _WINDOWS_1252)[0]


def encoding_of(sample: bytes) -> str:
    """Return "utf-8", which stands for UTF-8 and Windows-1252, or the UTF-16 or UTF-32 that a file's head is in."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    zeros = sample.count(b"\0")
    if zeros * 50 >= len(sample):  # without a mark: each ASCII character brings a zero, on the same side
        high = sample[1::2].count(b"\0")
        if high >= 0.95 * zeros and b"\n\0" in sample:
            return "utf-16-le"
        if zeros - high >= 0.95 * zeros and b"\0\n" in sample:
            return "utf-16-be"
    return "utf-8"


def encoding_note(encoding: str) -> tuple[str, ...]:
    """Return what the user should know of a file's encoding, at most one sentence."""
    return (f"the text is {_NAMES[encoding]}, and was read as such",) if encoding in _NAMES else ()


def recoding_note(lines: int) -> tuple[str, ...]:
    """Return the note on lines that are not UTF-8."""
    if not lines:
        return ()
    said = "1 line is" if lines == 1 else f"{lines:,} lines are"
    read = "was" if lines == 1 else "were"
    return (f"{said} not UTF-8 and {read} read as Windows-1252; if letters look wrong, save the file as UTF-8",)


def utf8_blocks(stream: BinaryIO, encoding: str, source: str, size: int = BLOCK_BYTES) -> Iterator[tuple[bytes, int]]:
    """Yield a file as blocks of valid UTF-8 that end where a line ends (the last one: where the file ends).

    Yields
    ------
    block : bytes
    recoded : int
        How many of its lines are not UTF-8 and were read as Windows-1252.

    Raises
    ------
    InputError
        A line is longer than 64 MiB.
    """
    decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)("replace")
    held = b""
    first = True
    while True:
        data = stream.read(size)
        ended = not data
        if decoder is not None:
            data = decoder.decode(data, final=ended).encode("utf-8", "replace")
        if first and (data or ended):
            data, first = data.removeprefix(codecs.BOM_UTF8), False
        data = held + data
        end = len(data) if ended else _last_line_end(data)
        if end:
            yield _as_utf8(data[:end])
        held = data[end:]
        if ended:
            return
        if len(held) > MAX_LINE_BYTES:
            msg = f"{source}: a line is longer than {MAX_LINE_BYTES:,} bytes, as no row of accounts is; export it again"
            raise InputError(msg)


def _last_line_end(data: bytes) -> int:
    end = data.rfind(b"\n") + 1
    return end or data.rfind(b"\r", 0, max(len(data) - 1, 0)) + 1  # a \r at the very end may be half a line end


def _as_utf8(block: bytes) -> tuple[bytes, int]:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return block, 0
    lines = block.splitlines(keepends=True)  # of bytes: only at \n, \r and \r\n
    count = 0
    for i, line in enumerate(lines):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            lines[i] = _recoded(line).encode("utf-8")
            count += 1
    return b"".join(lines), count


def _recoded(line: bytes) -> str:
    valid = line.decode("utf-8", "ignore")
    wrong = len(line) - len(valid.encode("utf-8"))
    characters = sum(c > "\x7f" for c in valid)
    return line.decode("utf-8", _REST_AS_1252) if characters > wrong else windows_1252(line)
