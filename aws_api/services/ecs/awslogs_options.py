"""What the options of the log driver awslogs say besides where output goes. Pure.

https://docs.docker.com/engine/logging/drivers/awslogs/
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html
"""

import re
from collections.abc import Mapping

Options = Mapping[str, str]

BLOCKING, NON_BLOCKING = "blocking", "non-blocking"
#: ECS's, not Docker's.
DEFAULT_BUFFER_BYTES = 10 * 1024 * 1024
#: strftime's codes as Docker's driver knows them.
_DATETIME_CODES = {
    "%a": "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
    "%A": "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)",
    "%w": "[0-6]",
    "%d": "(?:0[1-9]|[12][0-9]|3[01])",
    "%b": "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
    "%B": "(?:January|February|March|April|May|June|July|August|September|October|November|December)",
    "%m": "(?:0[1-9]|1[0-2])",
    "%Y": r"\d{4}",
    "%y": r"\d{2}",
    "%H": "(?:[01][0-9]|2[0-3])",
    "%I": "(?:0[0-9]|1[0-2])",
    "%p": "[AP]M",
    "%M": "[0-5][0-9]",
    "%S": "[0-5][0-9]",
    "%f": r"\d{6}",
    "%z": r"[+-]\d{4}",
    "%Z": "[A-Z]{1,4}T",
    "%j": "(?:00[1-9]|0[1-9][0-9]|[12][0-9][0-9]|3[0-5][0-9]|36[0-6])",
    "%L": r"\.\d{3}",
}
_CODE = re.compile("%.")
_SIZE = re.compile(r"(\d+) ?([kmg]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


class InvalidOption(ValueError):
    """An option's value is none that the driver takes; worded as it words that."""


def first_line_pattern(options: Options) -> str:
    """What the first line of a log event has; empty where each line is an event. Raises InvalidOption."""
    pattern, datetime_format = options.get("awslogs-multiline-pattern", ""), options.get("awslogs-datetime-format", "")
    if pattern and datetime_format:
        raise InvalidOption(
            "you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time"
        )
    if datetime_format:
        # What stands between the codes is a pattern already: its users escape brackets.
        pattern = _CODE.sub(lambda code: _DATETIME_CODES.get(code[0], code[0]), datetime_format)
    try:
        re.compile(pattern)
    except re.error as error:
        raise InvalidOption(
            f'awslogs could not parse multiline pattern key "{pattern}": error parsing regexp: {error}'
        ) from error
    return pattern


def buffer_bytes(options: Options, default_mode: str) -> int:
    """What may wait in the mode non-blocking before lines are dropped; 0 in the mode blocking. Raises InvalidOption."""
    mode = options.get("mode") or default_mode
    if mode not in (BLOCKING, NON_BLOCKING):
        raise InvalidOption(f"logger: logging mode not supported: {mode}")
    size = options.get("max-buffer-size")
    if mode == BLOCKING:
        if size:
            raise InvalidOption("logger: max-buffer-size option is only supported with 'mode=non-blocking'")
        return 0
    if not size:
        return DEFAULT_BUFFER_BYTES
    match = _SIZE.fullmatch(size.strip())
    if match is None or not int(match[1]):
        raise InvalidOption(f"logger: max-buffer-size: invalid size: '{size}'")
    return int(match[1]) * _UNITS[match[2].lower()]
