"""The value that framing yields and classification reads: a run of frames as columns."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Int64Array = NDArray[np.int64]

# Classification gathers fixed blocks of header bytes; the buffer has this many bytes of slack
# behind its content so that a gather near the end stays inside it.
BUFFER_SLACK_BYTES: Final = 256

# Frames of records without a link layer (pcapng journal records): numbered, never decoded.
NO_LINK_TYPE: Final = -1
# Frames of interfaces that are not asked for: numbered, and nothing else.
LEFT_OUT: Final = -2


class FrameBlock(Struct):
    """Frames of one chunk, in file order. `buffer` is valid until the next chunk is read."""

    buffer: bytearray
    first_record: int
    """Frame number of the first frame, counted from 1 as Wireshark does."""
    offset: Int64Array
    """(n,) start of each frame's bytes in `buffer`."""
    captured: Int64Array
    """(n,) bytes captured."""
    wire: Int64Array
    """(n,) bytes on the wire."""
    at_ns: Int64Array
    """(n,) nanoseconds since the epoch."""
    link_types: Int64Array | int
    """LINKTYPE number of every frame, or one for all."""
    interfaces: Int64Array | None = None
    """(n,) number of the interface of every frame, where there are several."""

    def __len__(self) -> int:
        return len(self.offset)

    @property
    def packets(self) -> int:
        """How many of them are asked for."""
        if isinstance(self.link_types, int):
            return len(self)
        return len(self) - int(np.count_nonzero(self.link_types == LEFT_OUT))

    def frame(self, index: int) -> bytes:
        """The captured bytes of one frame."""
        start = int(self.offset[index])
        return bytes(self.buffer[start : start + int(self.captured[index])])

    def link_type(self, index: int) -> int:
        """LINKTYPE number of one frame."""
        if isinstance(self.link_types, int):
            return self.link_types
        return int(self.link_types[index])
