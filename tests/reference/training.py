"""What the trainer writes and reads, checked with the real peft and transformers.

Usage: python training.py TRAINER
TRAINER is the built program. `make test-reference` sets everything up.

1. The trainer learns an adapter: peft loads it beside the base model, transformers loads the merged checkpoint, both give
   the same logits, and their loss on the validation questions is the one that the trainer printed.
2. peft makes an adapter, also for layers of the vision encoder and the Q-Former: the trainer, told to go on from it with a
   learning rate of 0, merges it into a checkpoint with the logits that peft computes.
3. The trainer changes all weights: transformers loads them, and the loss is again the one printed.
4. A whole job, with warm-up, schedule, clipping, accumulation and label smoothing, is done again by a plain loop over peft's
   model: every loss, learning rate and norm, and the adapter after the last step, are the same.
"""
import json, pathlib, re, shutil, subprocess, sys, tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict
from PIL import Image
from tokenizers import Tokenizer
from safetensors.torch import load_file
from transformers import Blip2ForConditionalGeneration, BlipImageProcessor, get_scheduler

TRAINER = sys.argv[1]
TINY = pathlib.Path(__file__).resolve().parents[2] / "crates/blip2/tests/data/blip2-tiny"
BASE = TINY / "checkpoint"
PHOTO = TINY / "photo.png"
QUESTIONS = [
    ("What is the fabric of the shirt in this picture?", "Fabric: Cotton"),
    ("What is the fit of the shirt in this picture?", "Fit: Slim Fit"),
    ("What is the sleeve length of the shirt in this picture?", "Sleeve Length: Long Sleeves"),
]
LOGITS_TOLERANCE, LOSS_TOLERANCE = 1e-3, 2e-3
# Of a whole job: losses and norms by their size, and the weights, of which Adam moves those with next to no gradient too.
JOB_TOLERANCES = {"loss": 1e-5, "learning_rate": 1e-12, "gradient_norm": 1e-4, "weights": 3e-5}


def train(root, questions=QUESTIONS, photo=PHOTO, **hyperparameters):
    """Runs a job and returns the last validation loss that it printed."""
    for folder in ("input/config", "input/data/images", "input/data/input_file"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "input/data/model").symlink_to(BASE)
    shutil.copy(photo, root / "input/data/images/7.png")
    rows = "".join(f"7,{question},{answer}\n" for question, answer in questions)
    for name in ("vqa_train.csv", "vqa_val.csv"):
        (root / "input/data/input_file" / name).write_text("id,Question,Answer\n" + rows)
    settings = {"batch-size": 3, "lr": 0.003, "epochs": 4} | hyperparameters
    if settings.get("train", "lora") == "lora":
        settings = {"lora-r": 4} | settings
    settings = {name.replace("_", "-"): str(value) for name, value in settings.items()}
    (root / "input/config/hyperparameters.json").write_text(json.dumps(settings))
    run = subprocess.run([TRAINER, "train", "--ml-root", root], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return float(re.findall(r"validation_loss=([0-9.]+)", run.stdout)[-1])


def pad(rows, value):
    return torch.tensor([row + [value] * (max(map(len, rows)) - len(row)) for row in rows])


def inputs(questions=QUESTIONS, photo=PHOTO):
    tokenizer = Tokenizer.from_file(str(BASE / "tokenizer.json"))
    config = json.loads((BASE / "config.json").read_text())
    image = [config["image_token_index"]] * config["num_query_tokens"]
    ids = pad([image + tokenizer.encode(f"Question: {question} Answer: ").ids for question, _ in questions], 0)
    labels = pad([tokenizer.encode(answer).ids for _, answer in questions], -100)
    photo = Image.open(photo).convert("RGB")
    pixels = BlipImageProcessor.from_pretrained(BASE)(images=photo, return_tensors="pt")["pixel_values"].float()
    return {"pixel_values": pixels.expand(len(questions), -1, -1, -1), "input_ids": ids, "attention_mask": (ids != 0).long(), "labels": labels}


def load(folder):
    return Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()


@torch.no_grad()
def fill_second_matrices(model):
    """They begin as zeros, and then the first ones have no gradient."""
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.copy_(0.05 * torch.randn(parameter.shape))


def again_by_peft(start, questions, photo, job):
    """The job's steps by peft and torch: what each measures, and the adapter after them."""
    model = PeftModel.from_pretrained(load(BASE), start, is_trainable=True).eval()
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=job["lr"], weight_decay=job["weight_decay"])
    batches = [questions[at:at + job["batch_size"]] for at in range(0, len(questions), job["batch_size"])]
    together = job["gradient_accumulation_steps"]
    groups = [batches[at:at + together] for at in range(0, len(batches), together)] * job["epochs"]
    warmup = -(-len(groups) * job["warmup_ratio"] // 1)
    scheduler = get_scheduler(job["scheduler"], optimizer, int(warmup), len(groups))
    steps = []
    for group in groups:
        loss = 0.0
        for batch in group:
            given = inputs(batch, photo)
            labels = given["labels"].flatten()
            logits = model(**given).logits.flatten(0, 1)
            of_batch = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=job["label_smoothing"]) / len(group)
            of_batch.backward()
            loss += of_batch.item()
        norm = torch.nn.utils.clip_grad_norm_(learning, job["max_grad_norm"]).item()
        steps.append({"loss": loss, "learning_rate": scheduler.get_last_lr()[0], "gradient_norm": norm})
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    return steps, get_peft_model_state_dict(model)


@torch.no_grad()
def outputs(model):
    out = model(**inputs())
    return out.logits, out.loss.item()


def close(what, difference, tolerance):
    print(f"{what}: {difference:.1e}, at most {tolerance:.0e} is allowed")
    assert difference <= tolerance, what


def largest(a, b):
    return (a - b).abs().max().item()


def most(numbers):
    """The largest of some numbers, NaN where one is: Python's max may pass over it, and nothing that is NaN is close."""
    return torch.tensor(list(numbers), dtype=torch.float64).max().item()


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
    fill_second_matrices(model)
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

    # One that nobody has to resize, which Pillow and the trainer do not do to the last bit.
    photo, size = root / "7.png", json.loads((BASE / "config.json").read_text())["vision_config"]["image_size"]
    Image.open(PHOTO).convert("RGB").resize((size, size)).save(photo)
    # Five questions in batches of two, two for a step: the last batch and the last step of an epoch are smaller.
    questions = QUESTIONS + [(question, answer.split()[0]) for question, answer in QUESTIONS[:2]]
    job = {"lr": 0.003, "weight_decay": 0.1, "batch_size": 2, "gradient_accumulation_steps": 2, "epochs": 4, "scheduler": "cosine",
           "warmup_ratio": 0.2, "max_grad_norm": 0.5, "label_smoothing": 0.1}
    model = get_peft_model(load(BASE), LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, bias="none", target_modules=["q", "v"]))
    fill_second_matrices(model)
    start = root / "job/input/data/start"
    model.save_pretrained(start)
    train(root / "job", questions, photo, initial_adapter="start", lora_dropout=0, shuffle="false", optimizer="adamw", **job)
    events = map(json.loads, (root / "job/output/data/metrics.jsonl").read_text().splitlines())
    ours = [event for event in events if event["event"] == "step"]
    theirs, weights = again_by_peft(start, questions, photo, job)
    assert len(ours) == len(theirs) == 8
    assert sum(step["gradient_norm"] > job["max_grad_norm"] for step in theirs) >= 2, "nothing is clipped"
    for name in ("loss", "learning_rate", "gradient_norm"):
        worst = most(abs(a[name] - b[name]) / max(abs(b[name]), 1e-12) for a, b in zip(ours, theirs))
        close(f"every {name} of a whole job against a plain loop's", worst, JOB_TOLERANCES[name])
    adapter = load_file(root / "job/model/adapter/adapter_model.safetensors")
    began = load_file(start / "adapter_model.safetensors")
    assert adapter.keys() == weights.keys()
    assert most(largest(began[name], weights[name]) for name in weights) > 0.01, "nothing was learnt"
    worst = most(largest(adapter[name], weights[name]) for name in weights)
    close("the adapter after a whole job against a plain loop's", worst, JOB_TOLERANCES["weights"])
print("all is as it should be")
