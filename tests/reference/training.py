"""What the trainer writes and reads, checked with the real peft and transformers.

Usage: python training.py TRAINER
TRAINER is the built program. `make test-reference` sets everything up.

1. The trainer learns an adapter: peft loads it beside the base model, transformers loads the merged checkpoint, both give
   the same logits, and their loss on the validation questions is the one that the trainer printed.
2. peft makes an adapter, also for layers of the vision encoder and the Q-Former: the trainer, told to go on from it with a
   learning rate of 0, merges it into a checkpoint with the logits that peft computes.
3. The trainer changes all weights: transformers loads them, and the loss is again the one printed.
"""
import json, pathlib, re, shutil, subprocess, sys, tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from PIL import Image
from tokenizers import Tokenizer
from transformers import Blip2ForConditionalGeneration, BlipImageProcessor

TRAINER = sys.argv[1]
TINY = pathlib.Path(__file__).resolve().parents[2] / "crates/blip2/tests/data/blip2-tiny"
BASE = TINY / "checkpoint"
QUESTIONS = [
    ("What is the fabric of the shirt in this picture?", "Fabric: Cotton"),
    ("What is the fit of the shirt in this picture?", "Fit: Slim Fit"),
    ("What is the sleeve length of the shirt in this picture?", "Sleeve Length: Long Sleeves"),
]
LOGITS_TOLERANCE, LOSS_TOLERANCE = 1e-3, 2e-3


def train(root, **hyperparameters):
    """Runs a job and returns the last validation loss that it printed."""
    for folder in ("input/config", "input/data/images", "input/data/input_file"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "input/data/model").symlink_to(BASE)
    shutil.copy(TINY / "photo.png", root / "input/data/images/7.png")
    rows = "".join(f"7,{question},{answer}\n" for question, answer in QUESTIONS)
    for name in ("vqa_train.csv", "vqa_val.csv"):
        (root / "input/data/input_file" / name).write_text("id,Question,Answer\n" + rows)
    settings = {"lora-r": 4, "batch-size": 3, "lr": 0.003, "epochs": 4} | hyperparameters
    settings = {name.replace("_", "-"): str(value) for name, value in settings.items()}
    (root / "input/config/hyperparameters.json").write_text(json.dumps(settings))
    run = subprocess.run([TRAINER, "train", "--ml-root", root], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return float(re.findall(r"validation_loss=([0-9.]+)", run.stdout)[-1])


def pad(rows, value):
    return torch.tensor([row + [value] * (max(map(len, rows)) - len(row)) for row in rows])


def inputs():
    tokenizer = Tokenizer.from_file(str(BASE / "tokenizer.json"))
    config = json.loads((BASE / "config.json").read_text())
    image = [config["image_token_index"]] * config["num_query_tokens"]
    ids = pad([image + tokenizer.encode(f"Question: {question} Answer: ").ids for question, _ in QUESTIONS], 0)
    labels = pad([tokenizer.encode(answer).ids for _, answer in QUESTIONS], -100)
    photo = Image.open(TINY / "photo.png").convert("RGB")
    pixels = BlipImageProcessor.from_pretrained(BASE)(images=photo, return_tensors="pt")["pixel_values"].float()
    return {"pixel_values": pixels.expand(len(QUESTIONS), -1, -1, -1), "input_ids": ids, "attention_mask": (ids != 0).long(), "labels": labels}


def load(folder):
    return Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()


@torch.no_grad()
def outputs(model):
    out = model(**inputs())
    return out.logits, out.loss.item()


def close(what, difference, tolerance):
    print(f"{what}: {difference:.1e}, at most {tolerance:.0e} is allowed")
    assert difference <= tolerance, what


def largest(a, b):
    return (a - b).abs().max().item()


with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)

    printed = train(root / "learnt")
    beside, loss = outputs(PeftModel.from_pretrained(load(BASE), root / "learnt/model/adapter").eval())
    merged, merged_loss = outputs(load(root / "learnt/model"))
    close("our adapter in peft against our merged checkpoint in transformers", largest(beside, merged), LOGITS_TOLERANCE)
    close("the loss of our adapter in peft against the one printed", abs(loss - printed), LOSS_TOLERANCE)
    close("the loss of our merged checkpoint against the one printed", abs(merged_loss - printed), LOSS_TOLERANCE)
    untouched, _ = outputs(load(BASE))
    assert largest(untouched, merged) > 0.1, "nothing was learnt"

    torch.manual_seed(3)
    targets = ["q", "v", "wo", "qkv", "query", "language_projection"]
    model = get_peft_model(load(BASE), LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, bias="none", target_modules=targets))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.05 * torch.randn(parameter.shape))
    start = root / "theirs/input/data/start"
    model.eval().save_pretrained(start)
    theirs, _ = outputs(model)
    train(root / "theirs", initial_adapter="start", lr=0, epochs=1)
    ours, _ = outputs(load(root / "theirs/model"))
    close("peft's adapter, merged by us, against peft", largest(ours, theirs), LOGITS_TOLERANCE)
    again, _ = outputs(PeftModel.from_pretrained(load(BASE), root / "theirs/model/adapter").eval())
    close("the same adapter, written by us, in peft", largest(again, theirs), LOGITS_TOLERANCE)

    printed = train(root / "all", train="all", optimizer="adamw", lr=0.001)
    _, loss = outputs(load(root / "all/model"))
    close("the loss with all weights learnt against the one printed", abs(loss - printed), LOSS_TOLERANCE)
print("all is as it should be")
