"""Pictures: the QR codes in a photographed poster or a screenshot of a chat. No text is guessed."""

import io
import warnings
from importlib import import_module

from crawler.reports.registry import Content, Passage, ReportError, Source, reader

# A larger picture is scaled down to so many pixels by its longer side before it is searched.
MAX_SIDE = 4_000
MAX_PIXELS = 80_000_000
_MISSING = "a picture needs zxing-cpp and pillow; pip install 'scamtrail[qr]'"
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")


def _sniff(source: Source) -> float:
    webp = source.data[:4] == b"RIFF" and source.data[8:12] == b"WEBP"
    return 0.9 if webp or source.data.startswith(_STARTS) else 0.0


@reader("picture", sniff=_sniff)
def read(source: Source) -> Content:
    """A passage a code that holds an address or text (ISO/IEC 18004), from the top down."""
    try:
        zxing, image = import_module("zxingcpp"), import_module("PIL.Image")
    except ModuleNotFoundError as error:
        raise ReportError(f"{source.name}: {_MISSING}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is checked here
            opened = image.open(
                io.BytesIO(source.data), formats=("PNG", "JPEG", "GIF", "BMP", "WEBP")
            )
            if opened.width * opened.height > MAX_PIXELS:
                raise ReportError(
                    f"{source.name}: more than {MAX_PIXELS:,} pixels; hand in a smaller picture"
                )
            opened.draft("L", (MAX_SIDE, MAX_SIDE))
            opened.thumbnail((MAX_SIDE, MAX_SIDE))
            grey = opened.convert("L")
    except ReportError:
        raise
    # Pillow meets broken and hostile files with many kinds of error, not only its own.
    except Exception as error:
        raise ReportError(
            f"{source.name}: a broken picture ({type(error).__name__}); save it anew"
        ) from error
    codes = zxing.read_barcodes(grey, formats=zxing.BarcodeFormat.QRCode)
    texts = [code.text for code in sorted(codes, key=lambda code: code.position.top_left.y)]
    return Content(
        title="QR code" if texts else "",
        body="\n".join(texts),
        passages=tuple(Passage(text, number) for number, text in enumerate(texts, 1)),
    )
