"""The LoRA training step of transformers and peft, as `make bench-train` measures it.

begin CHECKPOINT FOLDER --photos N --questions N --prompt-tokens N --answer-tokens N
    Writes what both sides begin with: adapter/, a new one in peft's layout, and
    inputs.safetensors, drawn photographs and questions about each, mixed.

train CHECKPOINT FOLDER --dtype TYPE --batch-size N --threads N
    Loads both, says so with a line of JSON, and learns from all questions once
    for every line `epoch` of stdin, answered by a line of JSON: the seconds and
    the loss of each step, and the most memory that the process had. A photograph
    is encoded for every question about it, as the published training script
    does. `bf16` is autocast over weights in f32. All dropout is off, so that
    both sides do the same work; their losses show whether they do.

part CHECKPOINT FOLDER --dtype TYPE --batch-size N --threads N --perturb SHARE --epochs N
    Learns twice from the same beginning, the second time with every number of the
    photographs changed by about a SHARE of itself (normally distributed), and
    prints for each step the first loss and how far the second is from it,
    relatively: how soon losses say nothing of two programs any more.
"""

import argparse
import gc
import json
import math
import pathlib
import platform
import resource
import sys
import time

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import Blip2ForConditionalGeneration

# As the published script has them.
RANK, ALPHA, TARGETS, LEARNING_RATE = 8, 32, ["q", "v"], 0.0025
# Ids of ordinary tokens, in the vocabulary of the smallest checkpoint.
FIRST_TOKEN, LAST_TOKEN, END = 5, 240, 1


def load(checkpoint):
    return Blip2ForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32)


def begin(arguments):
    torch.manual_seed(5)
    folder = pathlib.Path(arguments.folder)
    model = load(arguments.checkpoint)
    config = model.config
    side = config.vision_config.image_size
    last = min(config.text_config.vocab_size, LAST_TOKEN)
    asked = arguments.photos * arguments.questions

    def texts(tokens):
        words = torch.randint(FIRST_TOKEN, last, (asked, tokens - 1))
        return torch.cat([words, torch.full((asked, 1), END)], 1)

    lora = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, bias="none", target_modules=TARGETS)
    get_peft_model(model, lora).save_pretrained(folder / "adapter")
    inputs = {
        "pixel_values": torch.randn(arguments.photos, 3, side, side),
        "photos": torch.randperm(asked) % arguments.photos,
        "prompts": texts(arguments.prompt_tokens),
        "answers": texts(arguments.answer_tokens),
    }
    save_file(inputs, folder / "inputs.safetensors")


class Training:
    """A loaded model with its adapter, the optimiser and all batches."""

    def __init__(self, arguments):
        folder = pathlib.Path(arguments.folder)
        model = load(arguments.checkpoint)
        config = model.config
        image_token = config.image_token_index
        if image_token is None:
            image_token = config.image_token_id
        self.parameters = sum(weights.numel() for weights in model.parameters())
        self.model = PeftModel.from_pretrained(model, folder / "adapter", is_trainable=True)
        # No dropout; gradients are recorded all the same.
        self.model.eval()
        learnt = [weights for weights in self.model.parameters() if weights.requires_grad]
        self.optimiser = torch.optim.Adam(learnt, LEARNING_RATE)
        self.bf16 = arguments.dtype == "bf16"
        inputs = load_file(folder / "inputs.safetensors")
        self.pixels = inputs["pixel_values"]
        image = torch.full((len(inputs["prompts"]), config.num_query_tokens), image_token)
        rows = inputs["photos"], torch.cat([image, inputs["prompts"]], 1), inputs["answers"]
        self.batches = list(zip(*(part.split(arguments.batch_size) for part in rows)))

    def epoch(self):
        seconds, losses = [], []
        for photos, prompts, answers in self.batches:
            pixels = self.pixels[photos]
            began = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
                loss = self.model(
                    pixel_values=pixels,
                    input_ids=prompts,
                    attention_mask=torch.ones_like(prompts),
                    labels=answers,
                ).loss
            loss.backward()
            self.optimiser.step()
            self.optimiser.zero_grad()
            seconds.append(time.perf_counter() - began)
            losses.append(loss.item())
        return {"step_seconds": seconds, "losses": losses, "peak_bytes": peak_bytes()}

    def description(self):
        versions = {"Python": platform.python_version(), "torch": torch.__version__}
        versions |= {"transformers": transformers.__version__, "peft": peft.__version__}
        return {"computation": "", "parameters": self.parameters, "versions": versions}


def peak_bytes():
    """The most memory that this process had at once; Linux counts KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def train(arguments):
    torch.set_num_threads(arguments.threads)
    training = Training(arguments)
    say(training.description())
    for line in sys.stdin:
        if line.strip() != "epoch":
            sys.exit(f"unknown command {line.strip()}")
        say(training.epoch())


def losses(arguments, perturb):
    training = Training(arguments)
    torch.manual_seed(1)
    training.pixels *= 1 + perturb * torch.randn_like(training.pixels)
    found = [loss for _ in range(arguments.epochs) for loss in training.epoch()["losses"]]
    del training
    # Before the next one is loaded.
    gc.collect()
    return found


def part(arguments):
    torch.set_num_threads(arguments.threads)
    plain = losses(arguments, 0.0)
    print(f"peft {arguments.dtype} with and without {arguments.perturb:g} of the pixels", flush=True)
    print("step  loss      relative difference", flush=True)
    apart = [abs(a - b) / a for a, b in zip(plain, losses(arguments, arguments.perturb))]
    for step, (loss, difference) in enumerate(zip(plain, apart), 1):
        print(f"{step:4}  {loss:.6f}  {difference:.1e}")
    first = apart[: len(apart) // arguments.epochs]
    # Python's max passes over what is no number.
    worst = math.nan if any(map(math.isnan, first)) else max(first)
    print(f"within the first epoch, {len(first)} steps: {worst:.1e} at most", flush=True)


def share(text):
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and below 1")
    return number


def count(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return number


def say(value):
    print(json.dumps(value), flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    modes = parser.add_subparsers(required=True)
    for run in (begin, train, part):
        mode = modes.add_parser(run.__name__)
        mode.add_argument("checkpoint")
        mode.add_argument("folder")
        mode.set_defaults(run=run)
        if run is begin:
            for name in ("--photos", "--questions", "--prompt-tokens", "--answer-tokens"):
                mode.add_argument(name, type=int, required=True)
        else:
            mode.add_argument("--dtype", choices=("f32", "bf16"), required=True)
            mode.add_argument("--batch-size", type=int, required=True)
            mode.add_argument("--threads", type=int, required=True)
        if run is part:
            mode.add_argument("--perturb", type=share, required=True)
            mode.add_argument("--epochs", type=count, required=True)
    arguments = parser.parse_args()
    arguments.run(arguments)


main()
