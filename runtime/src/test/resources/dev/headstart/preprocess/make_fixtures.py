"""Makes the pictures beside this file, pictures.json (what Pillow sees in them) and resample.json.

Run with Pillow and numpy: python make_fixtures.py. Only needed to change the fixtures.
"""
import base64
import io
import json
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps
import PIL

rng = np.random.default_rng(7)


def b64(image):
    return base64.b64encode(image.tobytes()).decode()


# resample.json
cases = []
FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}
SIZES = [
    ((7, 5), (13, 9)), ((64, 48), (17, 11)), ((50, 37), (20, 20)), ((60, 3), (10, 30)),
    ((1, 1), (5, 4)), ((33, 21), (33, 10)), ((20, 30), (9, 30)), ((10, 10), (15, 15)), ((97, 3), (10, 7)),
]
for name, code in FILTERS.items():
    for (w, h), new in SIZES:
        for mode, shape in (("RGB", (h, w, 3)), ("L", (h, w))):
            # Extremes make kernels with negative lobes overshoot.
            a = rng.integers(0, 256, shape)
            a = np.where(rng.random(shape) < 0.5, (a > 127) * 255, a).astype("uint8")
            image = Image.fromarray(a, mode)
            cases.append({
                "filter": name, "channels": len(mode), "width": w, "height": h, "pixels": b64(image),
                "newWidth": new[0], "newHeight": new[1], "expected": b64(image.resize(new, code))})
with open("resample.json", "w") as f:
    json.dump({"pillow": PIL.__version__, "cases": cases}, f, indent=0)

# pictures.json
expected = {}
W, H = 24, 16
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([40 + 8 * x, 230 - 12 * y, np.where((x < 12) ^ (y < 8), 200, 60)], -1)
rgb[0:4, 0:4] = (250, 10, 10)  # a corner that tells where up is
rgb = rgb.clip(0, 255).astype("uint8")
photo = Image.fromarray(rgb)
alpha = (x * 255 // (W - 1)).astype("uint8")
rgba = photo.convert("RGBA")
rgba.putalpha(Image.fromarray(alpha))


def on_white(image):
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def put(name, data, image, tolerance):
    with open(name, "wb") as f:
        f.write(data)
    expected[name] = {"width": image.width, "height": image.height, "tolerance": tolerance, "rgb": b64(image)}


def save(name, image, want=None, tolerance=0, **options):
    out = io.BytesIO()
    image.save(out, format={"jpg": "JPEG"}.get(name[-3:], name.rsplit(".")[-1].upper()), **options)
    data = out.getvalue()
    put(name, data, want or Image.open(io.BytesIO(data)).convert("RGB"), tolerance)
    return data


def exif(orientation):
    e = Image.Exif()
    e[0x112] = orientation
    return e


for o in range(1, 9):
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=95, subsampling=0, exif=exif(o))
    save(f"orientation{o}.jpg", photo, ImageOps.exif_transpose(Image.open(out)).convert("RGB"),
         quality=95, subsampling=0, exif=exif(o))
save("orientation6.png", photo, ImageOps.exif_transpose(photo.copy()).transpose(Image.ROTATE_270), exif=exif(6))
save("orientation6.webp", photo, photo.transpose(Image.ROTATE_270), lossless=True, exif=exif(6))
base = save("420.jpg", photo, quality=90)
save("422.jpg", photo, quality=90, subsampling=1)
save("444.jpg", photo, quality=90, subsampling=0)
save("progressive.jpg", photo, quality=90, progressive=True)
save("gray.jpg", photo.convert("L"), quality=90)
save("rgb.jpg", photo, quality=95, keep_rgb=True)
# A wrong profile must change nothing.
profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
save("profile.jpg", photo, quality=90, icc_profile=profile)
cut = 4 + int.from_bytes(base[4:6], "big")
nojfif = base[:2] + base[cut:]
put("no-jfif.jpg", nojfif, Image.open(io.BytesIO(nojfif)).convert("RGB"), 0)
cmyk = save("cmyk.jpg", photo.convert("CMYK"), quality=90, subsampling=0)
at = cmyk.index(b"Adobe")
ycck = bytearray(cmyk)
ycck[at + 11] = 2
put("ycck.jpg", bytes(ycck), Image.open(io.BytesIO(ycck)).convert("RGB"), 0)
plain = cmyk[:at - 4] + cmyk[at - 2 + int.from_bytes(cmyk[at - 2:at], "big"):]
# Pillow takes all CMYK for Adobe's, which is inverted; without Adobe's marker it is not.
inverted = Image.eval(Image.open(io.BytesIO(plain)), lambda v: 255 - v)
put("cmyk-no-adobe.jpg", plain, inverted.convert("RGB"), 0)

save("rgb.png", photo)
save("gray.png", photo.convert("L"))
save("bit.png", photo.convert("1"))
save("palette.png", photo.convert("P"))
save("alpha.png", rgba, on_white(rgba), 1)
gray_alpha = photo.convert("L").convert("LA")
gray_alpha.putalpha(Image.fromarray(alpha))
save("gray-alpha.png", gray_alpha, on_white(gray_alpha), 1)
paletted = photo.convert("P")
index = paletted.getpixel((0, 0))
save("palette-alpha.png", paletted, on_white(Image.open(io.BytesIO(
    save("palette-alpha.png", paletted, transparency=index)))), transparency=index)
key = photo.getpixel((1, 1))
save("colour-key.png", photo, Image.fromarray(np.where((rgb == key).all(-1, keepdims=True), 255, rgb).astype("uint8")),
     transparency=key)
g16 = (x * 2800 + y * 10).astype("uint16")
save("gray16.png", Image.fromarray(g16), Image.fromarray((g16 >> 8).astype("uint8")).convert("RGB"))


def png16(samples, colour):
    """A 16-bit PNG, which Pillow cannot write."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    head = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], 16, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


rgb16 = rgb.astype("uint16") * 256 + rng.integers(0, 256, rgb.shape).astype("uint16")
put("rgb16.png", png16(rgb16, 2), photo, 0)
put("rgba16.png", png16(np.dstack([rgb16, alpha.astype("uint16") * 257]), 6), on_white(rgba), 1)

save("rgb.bmp", photo)
save("gray.bmp", photo.convert("L"))
save("palette.bmp", photo.convert("P"))
save("bit.bmp", photo.convert("1"))
save("palette.gif", photo.convert("P"))
save("transparent.gif", paletted, on_white(Image.open(io.BytesIO(
    save("transparent.gif", paletted, transparency=index)))), transparency=index)
save("frames.gif", photo.convert("P"), save_all=True, append_images=[photo.rotate(180).convert("P")])
save("lossless.webp", photo, lossless=True)
save("alpha.webp", rgba, on_white(rgba), 1, lossless=True, exact=True)
save("lossy.webp", photo, quality=90)
save("frames.webp", photo, save_all=True, append_images=[photo.rotate(180)], lossless=True)

with open("pictures.json", "w") as f:
    json.dump({"pillow": PIL.__version__, "pictures": expected}, f, indent=0)
