"""Whether a file has been written to its end, by what its format says of it."""

from __future__ import annotations

import json

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".pdf"})
MODELS = frozenset(
    {
        ".pt",
        ".pth",
        ".ckpt",
        ".safetensors",
        ".h5",
        ".keras",
        ".onnx",
        ".pkl",
        ".joblib",
        ".npz",
        ".npy",
        ".bin",
    }
)
TAIL_BYTES = 70_000
"""How much of the end `is_complete` wants to see: a zip archive's last entry may be followed by a comment."""
HEAD_BYTES = 16

_ZIP, _ZIP_END = b"PK\x03\x04", b"PK\x05\x06"
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


def is_complete(suffix: str, size: int, head: bytes, tail: bytes) -> bool:
    """Return whether a file may be whole; a format that does not say is taken to be.

    Args:
        suffix: With its dot, in lower case.
        size: Bytes.
        head: The first `HEAD_BYTES`.
        tail: The last `TAIL_BYTES`.
    """
    if size == 0:
        return False
    if head.startswith(_PNG):
        return tail.endswith(_PNG_END)
    if head.startswith(_JPEG):
        return _JPEG_END in tail[-64:]
    if head.startswith(_ZIP):  # PyTorch's, Keras's and NumPy's archives
        return _ZIP_END in tail
    if head.startswith(b"RIFF") and suffix == ".webp":
        return size >= int.from_bytes(head[4:8], "little") + 8
    if head.startswith(b"%PDF"):
        return b"%%EOF" in tail[-1024:]
    if head.startswith(b"GIF8"):
        return tail.endswith(b";")
    if suffix == ".svg":
        return b"</svg>" in tail[-1024:]
    return suffix not in {".png", ".jpg", ".jpeg"}


def tensors_size(header: bytes) -> int | None:
    """Return how large a file of tensors must be that begins with ``header``, None if it is none."""
    try:
        tensors = json.loads(header[8:])
        ends = [about["data_offsets"][1] for name, about in tensors.items() if name != "__metadata__"]
        return len(header) + int(max(ends, default=0))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return None


def tensors_header_size(head: bytes) -> int:
    """Return how long the header of a file of tensors is, its own length included."""
    return int.from_bytes(head[:8], "little") + 8
