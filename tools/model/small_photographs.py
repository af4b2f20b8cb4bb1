"""Brings the small photographs (60 x 80) of the fashion data set into the
layout of the full one, so that `trainer prepare` reads both.

Usage: small_photographs.py KAGGLE OUT

KAGGLE holds `attributes_small.jsonl`, one product a line with `id`, `gender`,
`articleType`, `baseColour`, `season`, `usage`, `productDisplayName` and
`articleAttributes`; `images_small/<id>.jpg`; and the full data set's
`styles/<id>.json`. Products that are in the full data set are left out: their
larger photographs are taken.
"""

import csv
import json
import pathlib
import sys

COLUMNS = [
    "id",
    "gender",
    "masterCategory",
    "subCategory",
    "articleType",
    "baseColour",
    "season",
    "year",
    "usage",
    "productDisplayName",
]


def main(kaggle: pathlib.Path, out: pathlib.Path) -> None:
    records = out / "styles"
    records.mkdir(parents=True, exist_ok=True)
    photographs = (kaggle / "images_small").resolve()
    link = out / "images"
    if not link.is_symlink():
        link.symlink_to(photographs, target_is_directory=True)
    count = 0
    with open(kaggle / "attributes_small.jsonl") as lines, open(
        out / "styles.csv", "w", newline=""
    ) as table:
        rows = csv.DictWriter(table, COLUMNS, restval="", extrasaction="ignore")
        rows.writeheader()
        for line in lines:
            product = json.loads(line)
            identifier = product["id"]
            if (kaggle / "styles" / f"{identifier}.json").exists():
                continue
            rows.writerow(
                product | {"masterCategory": "Apparel", "subCategory": "Topwear"}
            )
            record = {
                "data": {
                    "id": identifier,
                    "baseColour": product["baseColour"],
                    "articleType": {"typeName": product["articleType"]},
                    "articleAttributes": product["articleAttributes"],
                }
            }
            (records / f"{identifier}.json").write_text(json.dumps(record))
            count += 1
    print(f"{count} products with small photographs in {out}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
