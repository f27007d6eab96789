"""Step 3: write a zip whose bytes depend on its files only: not on the clock, the machine or the version of zlib.

Nothing is compressed: each build of zlib (and zlib-ng, and the next release) deflates to other bytes, which would be
another key and a new product version for nothing. `zipfile` writes what its Python's version thinks right, hence the
records are written here. APPNOTE.TXT 6.3 sections 4.3.7, 4.3.12 and 4.3.16 describe them; Zip64 is not needed for
files that a Lambda function can hold.
"""

from __future__ import annotations

import struct
import zlib

from catalog.hook.artifact import File, Files

MIDNIGHT_1980 = (0, 0x21)  # time, date: the first day that a zip can tell
UTF8_NAME = 0x800
UNIX = 3 << 8 | 20
STORED = 0


def pack(files: Files) -> bytes:
    """Return the zip of the files, sorted by path."""
    body, directory = bytearray(), bytearray()
    for path, file in sorted(files.items()):
        name, size = path.encode(), len(file.data)
        fields = (UTF8_NAME, STORED, *MIDNIGHT_1980, zlib.crc32(file.data), size, size, len(name), 0)
        start = (0, 0, 0, attributes(file), len(body))
        directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, UNIX, 20, *fields, *start) + name
        body += struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, *fields) + name + file.data
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(files), len(files), len(directory), len(body), 0)
    return bytes(body + directory + end)


def attributes(file: File) -> int:
    """Return the mode of a plain file, as Unix keeps it in a zip."""
    return (0o100755 if file.executable else 0o100644) << 16
