"""Values of Arrow that are stored once and meant many times: how much they take where each stands for itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from kimi_planner.usage.arrow_sizes import CELL_BYTES


def plain(column: Any) -> Any:
    """Return a column with each value in its place, text as the common type of it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, pa.ExtensionArray):
        return plain(column.storage)
    if pa.types.is_run_end_encoded(column.type):
        return plain(pc.run_end_decode(column))
    if pa.types.is_dictionary(column.type):
        return plain(column.dictionary_decode())
    is_text = pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type)
    return column.cast(pa.string()) if is_text else column


def spelled_out(column: Any) -> int:
    """Return how many bytes a column takes at most, with each value in its place.

    Parameters
    ----------
    column : pyarrow.Array
        Of any type, however it holds others.

    Examples
    --------
    >>> import pyarrow as pa
    >>> spelled_out(pa.DictionaryArray.from_arrays(pa.array([0, 0, 0, 1]), ["x" * 100, "y"]))
    301
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = column.type, pa.types
    size: int | None
    if isinstance(column, pa.ExtensionArray):
        size = spelled_out(column.storage)
    elif types.is_dictionary(kind):
        lengths = _lengths(column.dictionary)
        if lengths is None:
            size = len(column) * spelled_out(column.dictionary)
        else:
            size = pc.sum(lengths.take(column.indices)).as_py()
    elif types.is_run_end_encoded(kind):
        size = len(column) * _longest(column.values)
    elif types.is_list_view(kind) or types.is_large_list_view(kind):
        size = (pc.sum(pc.list_value_length(column)).as_py() or 0) * _longest(column.values)
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        start, end = (column.offsets[at].as_py() for at in (0, -1))
        size = CELL_BYTES * len(column) + spelled_out(column.values.slice(start, end - start))
    elif types.is_fixed_size_list(kind):
        size = spelled_out(column.flatten())
    elif types.is_struct(kind):
        size = sum(map(spelled_out, column.flatten()))
    elif types.is_union(kind):
        size = sum(spelled_out(column.field(number)) for number in range(kind.num_fields))
    elif types.is_string_view(kind) or types.is_binary_view(kind):
        size = pc.sum(_lengths(column)).as_py()
    else:
        size = column.nbytes
    return size or 0  # a sum of nothing is None


def _longest(values: Any) -> int:
    """Return how many bytes one of some values takes at most."""
    import pyarrow.compute as pc

    lengths = _lengths(values)
    longest = spelled_out(values) if lengths is None else pc.max(lengths).as_py() or 0
    return max(longest, CELL_BYTES)


def _lengths(values: Any) -> Any:
    """Return how many bytes each value takes, ``None`` where that is not one number for each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = values.type, pa.types
    if types.is_string_view(kind) or types.is_binary_view(
        kind
    ):  # 16 bytes each, first of them its length
        first = 4 * values.offset
        views = np.frombuffer(values.buffers()[1], np.int32)[first : first + 4 * len(values) : 4]
        return pa.array(views.astype(np.int64), mask=~np.asarray(values.is_valid()))
    if (
        types.is_string(kind)
        or types.is_binary(kind)
        or types.is_large_string(kind)
        or types.is_large_binary(kind)
    ):
        return pc.binary_length(values).cast(pa.int64())
    try:
        return pa.repeat(max(kind.bit_width // 8, CELL_BYTES), len(values))
    except ValueError:  # of no width
        return None
