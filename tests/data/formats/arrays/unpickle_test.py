import io
import itertools
import os
import pickle
import pickletools
import sys
import zipfile

import numpy as np
import pytest

from sketcher_tf.data.formats.arrays import unpickle
from sketcher_tf.data.formats.arrays.unpickle import (
    UnsafePickleError,
    read_member,
)

SQUARE = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0], [-9, 0, 1]], np.int16)
LARGE = SQUARE * np.array([100, 30, 1])  # bytes that are no ASCII


def objects(rows):
    return np.fromiter(rows, object, len(rows))


def save(path, array):
    np.savez(path, train=array)
    return path


def read(path):
    with zipfile.ZipFile(path) as archive:
        return read_member(archive, "train.npy")


def save_payload(path, payload, descr="|O"):
    """An npz whose object array is the pickle `payload`."""
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": (1,)}
    np.lib.format.write_array_header_1_0(file, header)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.npy", file.getvalue() + payload)
    return path


def python2_pickle(array):
    """The opcodes Python 2 wrote: text for bytes, names of NumPy 1."""

    def string(text):
        return b"U" + bytes([len(text)]) + text

    def one(array, data, kind):
        return (
            b"cnumpy.core.multiarray\n_reconstruct\n"
            b"(cnumpy\nndarray\n(I0\nt" + string(b"b") + b"tR"
            b"(I1\n("
            + b"".join(b"I%d\n" % n for n in array.shape)
            + b"tcnumpy\ndtype\n("
            + string(kind)
            + b"I0\nI1\ntR(I3\n"
            + string(b"|" if kind == b"O8" else b">")
            + b"NNNI-1\nI-1\nI0\ntbI00\n"
            + data
            + b"tb"
        )

    rows = b"".join(
        one(row, string(row.astype(">i2").tobytes()), b"i2") for row in array
    )
    return b"\x80\x02" + one(array, b"(" + rows + b"l", b"O8") + b"."


@pytest.mark.parametrize("protocol", range(5))
def test_every_pickle_protocol_is_read(tmp_path, protocol):
    array = objects([SQUARE, SQUARE.astype(">i4"), SQUARE.tolist()])
    payload = pickle.dumps(array, protocol=protocol)
    rows = read(save_payload(tmp_path / "a.npz", payload))
    assert [np.asarray(row).tolist() for row in rows] == [SQUARE.tolist()] * 3


@pytest.mark.parametrize(
    "module",
    [
        "numpy.core.multiarray",
        "numpy.core._multiarray_umath",
        "numpy._core._multiarray_umath",
    ],
)
def test_the_names_of_every_numpy_are_read(tmp_path, module):
    payload = pickle.dumps(objects([SQUARE, SQUARE]), protocol=2)
    assert b"numpy._core.multiarray\n" in payload
    payload = payload.replace(b"numpy._core.multiarray", module.encode())
    rows = read(save_payload(tmp_path / "a.npz", payload))
    np.testing.assert_array_equal(list(rows), [SQUARE, SQUARE])


def test_python_2_pickles_are_read(tmp_path):
    payload = python2_pickle(objects([SQUARE, LARGE]))
    rows = read(save_payload(tmp_path / "a.npz", payload))
    np.testing.assert_array_equal(list(rows), [SQUARE, LARGE])


def test_fortran_order_is_honoured(tmp_path):
    numbers = np.asfortranarray(np.stack([SQUARE, LARGE]))
    mixed = np.asfortranarray(numbers.astype(object))
    inner = objects([np.asfortranarray(row) for row in numbers])
    for i, array in enumerate([numbers, mixed, inner]):
        rows = read(save(tmp_path / f"{i}.npz", array))
        np.testing.assert_array_equal([row.tolist() for row in rows], numbers)


def test_numpy_scalars_inside_are_read(tmp_path):
    points = [[np.int16(x) for x in row] for row in SQUARE]
    rows = read(save(tmp_path / "a.npz", objects([points, SQUARE])))
    np.testing.assert_array_equal(list(rows), [SQUARE, SQUARE])


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def in_array(value):
    return objects([SQUARE, value])


def attacks(marker):
    touch = f"open({str(marker)!r}, 'w')"
    return {
        "os.system": Call(os.system, f"touch '{marker}'"),
        "posix.system": Call(os.system, f"touch '{marker}'"),
        "builtins.eval": Call(eval, touch),
        "builtins.exec": Call(exec, touch),
        "builtins.open": Call(open, str(marker), "w"),
        "builtins.getattr": Call(getattr, str(marker), "upper"),
        "_io.open": Call(io.open, str(marker), "w"),
        "numpy.ndarray": in_array(Call(os.system, f"touch '{marker}'")),
        "deep": in_array([[(Call(eval, touch),)]]),
        "memmap": Call(np.memmap, str(marker), "u1", "w+", 0, (4,)),
    }


@pytest.mark.filterwarnings("ignore")  # the attacks leave files open
@pytest.mark.parametrize("name", list(attacks("")))
def test_a_malicious_pickle_does_not_run(tmp_path, name):
    marker = tmp_path / "marker"
    payload = pickle.dumps(attacks(marker)[name])
    if name != "builtins.getattr":  # the attack itself works
        pickle.loads(payload)
        assert marker.exists()
        marker.unlink()
    path = save_payload(tmp_path / "evil.npz", payload)
    with pytest.raises(UnsafePickleError, match=r"evil\.npz:train\.npy, wh"):
        read(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "wanted",
    [
        ("numpy.testing._private.utils", "runstring"),
        ("numpy.f2py.diagnose", "run_command"),
        ("numpy.f2py.crackfortran", "myeval"),
        ("numpy", "load"),
        ("numpy", "fromfile"),
        ("numpy", "core.multiarray._reconstruct"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy._core.multiarray", "_reconstruct.__globals__"),
        ("numpy.lib.format", "read_array"),
        ("numpy.core.numeric", "_frombuffer"),
        ("numpyx", "ndarray"),
        ("_codecs", "decode"),
        ("copyreg", "_reconstructor"),
        ("builtins", "bytearray"),
        ("__builtin__", "apply"),
        ("nt", "system"),
    ],
)
def test_no_other_name_is_looked_up(tmp_path, wanted):
    module, name = wanted
    payload = b"\x80\x04" + b"".join(
        b"\x8c" + bytes([len(text)]) + text.encode() for text in wanted
    )
    path = save_payload(tmp_path / "evil.npz", payload + b"\x93.")
    loaded = set(sys.modules)
    with pytest.raises(UnsafePickleError) as error:
        read(path)
    assert set(sys.modules) == loaded
    assert f"asks for {module}.{name}" in str(error.value)


def test_what_is_handed_out_reaches_nothing(tmp_path):
    """A pickle may set attributes of what it gets; the next one is safe."""
    build = (
        b"\x80\x02cnumpy\ndtype\n"
        b"}(X\x08\x00\x00\x00__call__K\x01X\x04\x00\x00\x00nameK\x02ub."
    )
    with pytest.raises(ValueError, match="cannot be read"):
        read(save_payload(tmp_path / "a.npz", build))
    assert len(read(save(tmp_path / "b.npz", objects([SQUARE])))) == 1


def raw_state(shape, kind, data):
    """A pickled ndarray with a state of our choice."""
    dtype = Call(np.dtype, kind, False, True)
    function, arguments, _ = np.zeros(0).__reduce__()
    state = (1, shape, dtype, False, data)

    class Array:
        def __reduce__(self):
            return function, arguments, state

    return pickle.dumps(Array(), protocol=4)


def test_a_hand_made_state_is_read_if_it_is_sound(tmp_path):
    payload = raw_state((1,), "O8", [SQUARE])
    (row,) = read(save_payload(tmp_path / "a.npz", payload))
    np.testing.assert_array_equal(row, SQUARE)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"garbage",
        pickle.dumps([SQUARE]),
        pickle.dumps(7),
        pickle.dumps(in_array(SQUARE))[:-9],
        raw_state((1,), "O8", b"\x41" * 8),  # bytes in place of pointers
        raw_state((5,), "O8", [SQUARE]),
        raw_state((10**15,), "f8", b"\0" * 8),
        raw_state((2,), "f8", b"\0" * 8),
        raw_state((1,), "i4,O", b"\0" * 12),
        raw_state((1,), "V8", b"\0" * 8),
        raw_state((1,), "S8", b"\0" * 8),
        raw_state((1,), "M8[s]", b"\0" * 8),
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R.",
        b"\x80\x04" + b"(" * 10 + b"]" + b"\x94" * 5,
        b"\x80\x02Nr\xff\xff\xff\x1f.",  # the place in a memo of 4 GB
        b"Np500000000\n.",
        b"\x80\x02U\xffabc.",
        b"\xff.",
    ],
)
def test_a_broken_pickle_is_a_clear_error(tmp_path, payload):
    path = save_payload(tmp_path / "a.npz", payload)
    with pytest.raises(ValueError, match="Get the file again"):
        read(path)


def nested(value, depth):
    for _ in range(depth):
        value = [value] * 2
    return value


@pytest.mark.parametrize(
    "payload",
    [
        pickle.dumps(objects([nested(0.0, 40)])),  # 2^40 numbers
        b"\x80\x02})" + b"2\x86" * 40 + b"Ns.",  # a key of as many parts
    ],
    ids=["list", "key"],
)
def test_a_pickle_that_would_take_years_is_refused(tmp_path, payload):
    assert len(payload) < 500
    path = save_payload(tmp_path / "a.npz", payload)
    with pytest.raises(ValueError, match="Get the file again"):
        read(path)


def test_a_pickle_that_holds_itself_is_cut_there(tmp_path):
    array = np.empty(2, object)
    array[0], array[1] = array, SQUARE
    path = save_payload(tmp_path / "a.npz", pickle.dumps(array))
    inner, row = read(path)
    assert inner is None
    np.testing.assert_array_equal(row, SQUARE)


@pytest.mark.parametrize("descr", ["|S9", "<M8[s]", [("a", "<i4")], "bogus"])
def test_members_of_other_types_are_refused(tmp_path, descr):
    path = save_payload(tmp_path / "a.npz", b"\0" * 99, descr=descr)
    with pytest.raises(ValueError, match=r"train\.npy, which cannot be"):
        read(path)


def test_a_damaged_member_is_a_clear_error(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, train=objects([SQUARE] * 50))
    data = bytearray(path.read_bytes())
    data[120:140] = bytes(20)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="cannot be read"):
        read(path)


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, train=np.zeros((1000, 100, 3), np.int16))
    assert read(path).shape == (1000, 100, 3)
    monkeypatch.setattr(unpickle, "_MAX_BYTES", 10_000)
    with pytest.raises(ValueError, match="packed more than 50 times"):
        read(path)


def test_real_files_are_python_2_pickles(shared_data):
    """What the tests above write by hand is what the real files hold."""
    path = shared_data / "sketchrnn" / "omniglot.npz"
    with zipfile.ZipFile(path) as archive:
        data = archive.read("valid.npy")
    real = pickletools.genops(data[data.index(b"\x80\x02") :])
    ours = pickletools.genops(python2_pickle(objects([SQUARE])))
    texts = [
        {op.name for op, _, _ in ops} & {"GLOBAL", "SHORT_BINSTRING", "BUILD"}
        for ops in (itertools.islice(real, 500), ours)
    ]
    assert texts[0] == texts[1] == {"GLOBAL", "SHORT_BINSTRING", "BUILD"}
