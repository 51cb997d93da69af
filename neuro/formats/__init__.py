"""Event files: every format read into Events and written from them, with nothing lost."""

from neuro.formats.detect import detect as detect
from neuro.formats.detect import formats as formats
from neuro.formats.reading import Recording as Recording
from neuro.formats.reading import read_events as read_events
from neuro.formats.reading import read_recording as read_recording
from neuro.formats.reading import stream_events as stream_events
from neuro.formats.writing import write_events as write_events

__all__ = [
    "Recording",
    "detect",
    "formats",
    "read_events",
    "read_recording",
    "stream_events",
    "write_events",
]
