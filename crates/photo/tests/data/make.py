"""Pictures of every kind that is read, and what Pillow makes of them (run with Pillow 13).

Usage: python make.py OUT_DIR
"""
import pathlib
import sys

import numpy as np
from PIL import Image, ImageDraw

out = pathlib.Path(sys.argv[1])
h, w = 60, 84
yy, xx = np.mgrid[0:h, 0:w]
picture = Image.fromarray(np.stack([xx * 255 / w, yy * 255 / h, 127 + 90 * np.sin(xx / 9.0)], -1).astype(np.uint8))
draw = ImageDraw.Draw(picture)
draw.ellipse([18, 12, 60, 50], fill=(180, 30, 40))
glass = picture.convert("RGBA")
glass.putalpha(Image.fromarray((xx * 255 / w).astype(np.uint8)))


def over_white(image):
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def put(name, image, **options):
    image.save(out / name, **options)
    read = Image.open(out / name)
    transparent = "A" in read.mode or "transparency" in read.info
    (over_white(read) if transparent else read.convert("RGB")).save(out / (name + ".expected.png"), optimize=True)


put("baseline.jpg", picture, quality=90)
put("progressive.jpg", picture, quality=90, progressive=True)
put("full-chroma.jpg", picture, quality=90, subsampling=0)
put("half-chroma.jpg", picture, quality=90, subsampling=1)
put("grey.jpg", picture.convert("L"), quality=90)
put("cmyk.jpg", picture.convert("CMYK"), quality=90)
put("palette.png", picture.quantize(32))
put("palette-transparent.png", picture.quantize(32), transparency=3)
put("alpha.png", glass)
put("one-bit.png", picture.convert("1"))
put("lossless-alpha.webp", glass, lossless=True, exact=True)
put("lossy.webp", picture, quality=90)
put("animated.webp", picture, save_all=True, append_images=[picture.rotate(180)], lossless=True)
