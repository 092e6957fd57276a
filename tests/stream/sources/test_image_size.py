from __future__ import annotations

import io

import pytest
from PIL import Image as Pil

from stream.sources.image_size import claimed_size


def encoded(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Pil.new(str(options.pop("mode", "RGB")), (301, 77)).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "comment": b"a comment segment"}),
        ("WEBP", {"lossless": False}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"mode": "RGBA", "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
    ],
)
def test_the_size_is_read_from_the_header(kind: str, options: dict[str, object]) -> None:
    assert claimed_size(encoded(kind, **options)) == (301, 77)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "JPEG", "WEBP"])
def test_a_torn_header_claims_nothing(kind: str) -> None:
    content = encoded(kind)
    for length in range(24):
        assert claimed_size(content[:length]) is None or length >= 20


def test_other_formats_claim_nothing() -> None:
    assert claimed_size(b"GIF89a whatever") is None
    assert claimed_size(b"") is None
