import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from sketcher_tf.data.prepare.records import frame, write_records


@given(st.binary(max_size=300))
def test_a_record_is_framed_as_tensorflow_does_it(tmp_path_factory, record):
    path = tmp_path_factory.mktemp("records") / "a"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(record)
    assert frame(record) == path.read_bytes()


def test_records_come_back(tmp_path):
    records = [b"one", b"", b"three" * 1000]
    write_records(tmp_path / "a", records)
    read = tf.data.TFRecordDataset(str(tmp_path / "a"))
    assert list(read.as_numpy_iterator()) == records
