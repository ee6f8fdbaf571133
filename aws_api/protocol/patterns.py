"""The models' regular expressions, which are Java's, as Python's."""

import re
from functools import cache

# What Java's classes hold, as the inside of a Python character class. Where Python has no such class the stand-in
# allows more, never less: a value that AWS takes must not be refused here.
_PROPERTIES = {
    "L": r"\w",
    "Lu": r"\w",
    "Ll": r"\w",
    "N": r"\w",
    "Nd": r"\d",
    "Z": r"\s",
    "Zs": r"\s",
    "M": r"\W\w",
    "P": r"\W_",
    "S": r"\W",
    "Alpha": "A-Za-z",
    "Digit": "0-9",
    "Alnum": "0-9A-Za-z",
    "Upper": "A-Z",
    "Lower": "a-z",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Space": r"\s",
    "ASCII": r"\x00-\x7f",
}

_SURROGATE_PAIRS = r"\uD800\uDC00-\uDBFF\uDFFF"
_PIECE = re.compile(r"\\p\{(\w+)\}|\\.|\[\^?\]?|\]|-|.", re.DOTALL)


@cache
def python_pattern(java: str) -> re.Pattern[str] | None:
    """The pattern to ``fullmatch`` values with, or None where Python cannot say it: then the value passes."""
    text = java.replace(_SURROGATE_PAIRS, r"\U00010000-\U0010FFFF")
    if "&&" in text or "||" in text:
        return None
    pieces: list[str] = []
    in_class = is_negated = False
    after_class_escape = False
    for match in _PIECE.finditer(text):
        piece = match.group()
        name = match.group(1)
        if name is not None:
            if name not in _PROPERTIES or (in_class and is_negated):
                # Allowing more inside a negation would refuse more.
                return None
            pieces.append(_PROPERTIES[name] if in_class else f"[{_PROPERTIES[name]}]")
        elif in_class and piece == "]":
            in_class = False
            pieces.append(piece)
        elif in_class and piece[0] == "[":
            pieces.append(r"\[" + piece[1:])
            if piece.endswith("]"):
                in_class = False
        elif not in_class and piece[0] == "[":
            in_class, is_negated = True, piece.startswith("[^")
            pieces.append(piece)
        elif in_class and piece == "-" and after_class_escape:
            # Java reads the dash of [\w-x] as itself; Python calls it a bad range. The same for [\w--].
            pieces.append(r"\-")
        elif in_class and piece in {"-", "~"} and pieces[-1] == piece:
            pieces.append(f"\\{piece}")
        else:
            pieces.append(piece)
        after_class_escape = name is not None or piece in {r"\w", r"\d", r"\s", r"\W", r"\D", r"\S"}
    try:
        return re.compile("".join(pieces))
    except re.error:
        return None
