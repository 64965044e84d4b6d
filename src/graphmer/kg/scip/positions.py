"""Lines and columns of a SCIP document to byte offsets."""

import re

LINE_END = re.compile(r"\r\n|\r|\n")
# PositionEncoding of a document: what a column counts. Indexers that leave it unspecified (scip-python,
# scip-typescript and scip-java so far) run on JavaScript or the JVM, whose strings count UTF-16 units.
ENCODINGS = {0: "utf-16-le", 1: "utf-8", 2: "utf-16-le", 3: "utf-32-le"}
UNIT_BYTES = {"utf-8": 1, "utf-16-le": 2, "utf-32-le": 4}


class Positions:
    """Turns positions of one text into offsets of its UTF-8 bytes."""

    def __init__(self, text: str, encoding: int) -> None:
        """encoding: the document's PositionEncoding; raises KeyError on one that is not known."""
        self.encoding = ENCODINGS[encoding]
        self.lines: list[str] = []
        self.starts: list[int] = []  # byte offset of each line
        at = start = 0
        for end in LINE_END.finditer(text):
            start = self._add(text[at : end.start()], start, end.end() - end.start())
            at = end.end()
        self._add(text[at:], start, 0)

    def _add(self, line: str, start: int, ending: int) -> int:
        self.lines.append(line)
        self.starts.append(start)
        return start + len(line.encode("utf-8")) + ending

    def offset(self, line: int, character: int) -> int | None:
        """The byte at a position, both counted from 0; None outside the text or inside a character."""
        if not 0 <= line < len(self.lines) or character < 0:
            return None
        text = self.lines[line]
        if text.isascii():
            return self.starts[line] + character if character <= len(text) else None
        units = text.encode(self.encoding)
        end = character * UNIT_BYTES[self.encoding]
        if end > len(units):
            return None
        try:
            return self.starts[line] + len(units[:end].decode(self.encoding).encode("utf-8"))
        except UnicodeDecodeError:
            return None
