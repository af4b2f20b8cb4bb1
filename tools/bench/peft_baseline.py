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
"""

import argparse
import json
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


def say(value):
    print(json.dumps(value), flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    modes = parser.add_subparsers(required=True)
    for run in (begin, train):
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
    arguments = parser.parse_args()
    arguments.run(arguments)


main()
