"""Hugging Face transformers on BLIP-2, as `make bench-serve` measures it.

build SHAPE FOLDER --tokenizer FILE
    Writes a checkpoint of a shape with random weights, in the layout of
    Hugging Face. Its answers mean nothing; they take as long as others.

answer FOLDER --dtype TYPE --photo FILE --prompts FILE --tokens N --threads N
    Loads a checkpoint, says so with a line of JSON, and carries out commands,
    one a line of stdin, each answered by a line of JSON with the seconds that
    it took:
      eight_calls   a generate call for each prompt; the photo is decoded,
                    preprocessed and encoded each time
      one_batch     one generate call for all prompts; the photo is decoded and
                    preprocessed once and encoded once a prompt, as a batch
      peak          how fast PyTorch multiplies matrices here, in GFLOP/s
    A command measures what happens between the photo as base64 and the token
    ids: no HTTP, no JSON, no tokenizer.
"""

import argparse
import base64
import io
import json
import os
import pathlib
import platform
import resource
import shutil
import sys
import tempfile
import time

import numpy
import tokenizers
import torch
import transformers
from PIL import Image
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    BlipImageProcessor,
    T5Config,
)

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}

# The image encoder, the Q-Former and the language model of each shape. `base`
# is ViT-B/14, BERT-base and T5-base; `xl` is Salesforce/blip2-flan-t5-xl.
SHAPES = {
    "base": {
        "dtype": "f32",
        "vision": {
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
        },
        "text": {
            "d_model": 768,
            "d_ff": 2048,
            "num_layers": 12,
            "num_decoder_layers": 12,
            "num_heads": 12,
        },
    },
    "xl": {
        "dtype": "bf16",
        "vision": {
            "hidden_size": 1408,
            "intermediate_size": 6144,
            "num_hidden_layers": 39,
            "num_attention_heads": 16,
        },
        "text": {
            "d_model": 2048,
            "d_ff": 5120,
            "num_layers": 24,
            "num_decoder_layers": 24,
            "num_heads": 32,
        },
    },
}
QUERY_TOKENS = 32
IMAGE_TOKEN = 32100
VOCABULARY = 32128


def configuration(shape):
    vision = Blip2VisionConfig(image_size=224, patch_size=14, qkv_bias=True, **shape["vision"])
    qformer = Blip2QFormerConfig(
        vocab_size=30523,
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        cross_attention_frequency=2,
        encoder_hidden_size=shape["vision"]["hidden_size"],
    )
    text = T5Config(
        vocab_size=VOCABULARY,
        d_kv=64,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
        **shape["text"],
    )
    return Blip2Config(
        vision_config=vision.to_dict(),
        qformer_config=qformer.to_dict(),
        text_config=text.to_dict(),
        num_query_tokens=QUERY_TOKENS,
        image_token_index=IMAGE_TOKEN,
    )


def build(arguments):
    shape = SHAPES[arguments.shape]
    folder = pathlib.Path(arguments.folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(5)
    torch.set_default_dtype(DTYPES[shape["dtype"]])
    model = Blip2ForConditionalGeneration(configuration(shape)).eval()
    torch.set_default_dtype(torch.float32)
    # Under another name until it is whole.
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        part = pathlib.Path(scratch) / "checkpoint"
        model.save_pretrained(part, max_shard_size="5GB")
        BlipImageProcessor(size={"height": 224, "width": 224}).save_pretrained(part)
        shutil.copyfile(arguments.tokenizer, part / "tokenizer.json")
        os.replace(part, folder)


class Baseline:
    """A loaded model, a photo as base64 and the prompts as token ids."""

    def __init__(self, arguments):
        folder = arguments.folder
        self.dtype = DTYPES[arguments.dtype]
        self.model = Blip2ForConditionalGeneration.from_pretrained(folder, dtype=self.dtype).eval()
        self.processor = BlipImageProcessor.from_pretrained(folder)
        self.tokenizer = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
        self.photo = base64.b64encode(pathlib.Path(arguments.photo).read_bytes())
        self.tokens = arguments.tokens
        config = self.model.config
        image_token = config.image_token_index
        if image_token is None:
            image_token = config.image_token_id
        image = [image_token] * config.num_query_tokens
        prompts = json.loads(pathlib.Path(arguments.prompts).read_text())
        self.rows = [image + self.tokenizer.encode(prompt).ids for prompt in prompts]
        if len({len(row) for row in self.rows}) != 1:
            sys.exit("the prompts have different numbers of tokens")

    def pixels(self):
        picture = Image.open(io.BytesIO(base64.b64decode(self.photo))).convert("RGB")
        return self.processor(images=picture, return_tensors="pt")["pixel_values"].to(self.dtype)

    def generate(self, pixels, rows):
        ids = torch.tensor(rows)
        # A fixed length, so that random weights answer as long as trained ones.
        return self.model.generate(
            pixel_values=pixels.expand(len(rows), -1, -1, -1),
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=self.tokens,
            min_new_tokens=self.tokens,
            do_sample=False,
        ).tolist()

    @torch.no_grad()
    def eight_calls(self):
        return [self.generate(self.pixels(), [row])[0] for row in self.rows]

    @torch.no_grad()
    def one_batch(self):
        return self.generate(self.pixels(), self.rows)

    def timed(self, ask):
        began = time.perf_counter()
        answers = ask()
        seconds = time.perf_counter() - began
        texts = [self.tokenizer.decode(ids, skip_special_tokens=True).strip() for ids in answers]
        return {"seconds": seconds, "answers": texts, "peak_bytes": peak_bytes()}

    def description(self):
        return {
            "parameters": sum(weights.numel() for weights in self.model.parameters()),
            "prompt_tokens": len(self.rows[0]) - self.model.config.num_query_tokens,
            "threads": torch.get_num_threads(),
            "peak_bytes": peak_bytes(),
            "versions": {
                "Python": platform.python_version(),
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "tokenizers": tokenizers.__version__,
                "numpy": numpy.__version__,
            },
        }


def peak_bytes():
    """The most memory that this process had at once; Linux counts KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def peak():
    """GFLOP/s of a square matrix multiplication, by number type; the best of several."""
    side = 2048
    whole = torch.randint(-128, 127, (side, side), dtype=torch.int8)
    real = torch.randn(side, side)
    multiplications = {
        "f32": lambda: real @ real,
        "bf16": lambda half=real.bfloat16(): half @ half,
        "int8": lambda: torch._int_mm(whole, whole),
    }
    speeds = {}
    for name, multiply in multiplications.items():
        try:
            times = []
            for _ in range(8):
                began = time.perf_counter()
                multiply()
                times.append(time.perf_counter() - began)
        except RuntimeError as error:
            print(f"no {name} multiplication: {error}", file=sys.stderr)
            continue
        # The first one prepares.
        speeds[name] = 2 * side**3 / min(times[1:]) / 1e9
    return {"side": side, "gflops": speeds}


def answer(arguments):
    torch.set_num_threads(arguments.threads)
    baseline = Baseline(arguments)
    say(baseline.description())
    commands = {
        "eight_calls": lambda: baseline.timed(baseline.eight_calls),
        "one_batch": lambda: baseline.timed(baseline.one_batch),
        "peak": peak,
    }
    for line in sys.stdin:
        say(commands[line.strip()]())


def say(value):
    print(json.dumps(value), flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    modes = parser.add_subparsers(required=True)
    mode = modes.add_parser("build")
    mode.add_argument("shape", choices=SHAPES)
    mode.add_argument("folder")
    mode.add_argument("--tokenizer", required=True)
    mode.set_defaults(run=build)
    mode = modes.add_parser("answer")
    mode.add_argument("folder")
    mode.add_argument("--dtype", choices=DTYPES, required=True)
    mode.add_argument("--photo", required=True)
    mode.add_argument("--prompts", required=True)
    mode.add_argument("--tokens", type=int, required=True)
    mode.add_argument("--threads", type=int, required=True)
    mode.set_defaults(run=answer)
    arguments = parser.parse_args()
    arguments.run(arguments)


main()
