"""What a pickle would make the unpickler do, seen before it does it.

A few bytes can ask for tables of gigabytes or for hashes that take years,
which no rule on names prevents.
"""

import pickletools

# Arrays and numbers are pickled without them. The hash of a key or of a set's
# element may take 2^n steps for n bytes; buffers would be in another file.
_NEVER = {
    *("DICT", "SETITEM", "SETITEMS", "ADDITEMS", "FROZENSET"),
    *("NEXT_BUFFER", "READONLY_BUFFER"),
}

_OPCODES = {ord(op.code): op for op in pickletools.opcodes}
_REFUSED = {code for code, op in _OPCODES.items() if op.name in _NEVER}
_STOP = ord(".")
_LONG_BINPUT, _PUT = ord("r"), ord("p")

# Bytes of the arguments of a fixed size, and of the sizes of all others.
_FIXED = {
    code: 0 if op.arg is None else op.arg.n
    for code, op in _OPCODES.items()
    if op.arg is None or op.arg.n >= 0
}
_BYTES_OF_SIZE = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_SIZED = {
    code: _BYTES_OF_SIZE[op.arg.n]
    for code, op in _OPCODES.items()
    if op.arg is not None and op.arg.n in _BYTES_OF_SIZE
}
_NUM_LINES = {ord("c"): 2, ord("i"): 2}  # of arguments that are text


def check_opcodes(data: bytes, at: int) -> None:
    """Refuses a pickle that arrays of numbers do not need.

    What it passes is read in time and memory proportional to its size.

    Args:
        data: what the pickle is in.
        at: where it begins.

    Raises:
        ValueError: an opcode that no array needs, or a place in the memo
            beyond what so many bytes could fill.
        IndexError: the pickle has no end.
    """
    while (code := data[at]) != _STOP:
        at += 1
        if code in _REFUSED or code not in _OPCODES:
            name = _OPCODES[code].name if code in _OPCODES else hex(code)
            raise ValueError(f"a pickle with {name}, which no array needs")
        size = _FIXED.get(code)
        if size is None:
            size = _size(data, at, code)
        if code in (_LONG_BINPUT, _PUT):
            _check_memo(data, at, size, code)
        at += size


def _size(data: bytes, at: int, code: int) -> int:
    """Bytes of an argument of variable size, with its own size."""
    own = _SIZED.get(code)
    if own is not None:
        return own + int.from_bytes(data[at : at + own], "little")
    end = at
    for _ in range(_NUM_LINES.get(code, 1)):
        end = data.index(b"\n", end) + 1
    return end - at


def _check_memo(data: bytes, at: int, size: int, code: int) -> None:
    """The unpickler makes room for all places below the one that is named."""
    text = data[at : at + size]
    place = int(text) if code == _PUT else int.from_bytes(text, "little")
    if place > len(data):
        raise ValueError(f"a pickle that remembers a value number {place}")
