"""QR codes as one SVG path, so that they print at any size and take the colour of the text."""

import segno

QUIET_ZONE = 4  # modules; ISO/IEC 18004


def qr_path(content: str) -> tuple[int, str]:
    """The QR code of a text at error level M.

    Returns:
        The side in modules with the quiet zone, and the ``d`` attribute of a path whose dark runs
        are one module high. Both hold nothing but digits and path letters.
    """
    code = segno.make(content, error="m", micro=False, boost_error=False)
    runs = []
    for y, row in enumerate(code.matrix):
        x = 0
        while x < len(row):
            width = 1
            while x + width < len(row) and row[x + width] == row[x]:
                width += 1
            if row[x]:
                runs.append(f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h{width}v1h-{width}z")
            x += width
    return len(code.matrix) + 2 * QUIET_ZONE, "".join(runs)
