"""What transformers computes for answers that are held to given texts.

For each question: the natural logarithm of the probability of each whole text,
given the picture and the prompt. The text is teacher-forced, and the values of
log_softmax at its tokens, `</s>` included, are summed up, in f32.

Written with transformers 5.23.0 and torch 2.15.0; run as

    python choices.py

in an environment that has torch, transformers and Pillow. It reads the tiny
checkpoint of ../data with its stored pixel values, and models/blip2-mini with
pictures of samples/, and writes choices.json and those pictures
beside itself: resized to what the vision encoder takes and stored without
loss, so that no JPEG decoder and no resize stands between the two sides.
"""

import json
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import Blip2ForConditionalGeneration, BlipImageProcessor, PreTrainedTokenizerFast

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
TINY = HERE.parent / "data" / "blip2-tiny"
MINI = ROOT / "models" / "blip2-mini"
SAMPLES = ["drawn-01", "drawn-05", "drawn-09"]


def question(picture, prompt, choices):
    return {"picture": picture, "prompt": prompt, "choices": choices}


def wrapped(text):
    return f"Question: {text} Answer: "


def tiny_questions():
    yield question(
        "photo",
        wrapped("What is the fabric of the shirt in this picture?"),
        ["Fabric: Cotton", "Fabric: Silk", "Fabric: Cotton and Silk", "Fabric", "Cotton"],
    )
    yield question(
        "photo",
        wrapped("What is the sleeve length of the shirt in this picture?"),
        [
            "Sleeve Length: Long Sleeves",
            "Sleeve Length: Short Sleeves",
            "Sleeveless",
            "Sleeve Length: Long Sleeves. Regular Sleeves",
        ],
    )
    yield question("photo", "Fit?", ["Fit: Slim Fit", "Fit: Regular Fit"])
    yield question("photo", wrapped("Fit?"), ["a"])
    yield question(
        "photo",
        "",
        ["Neck: Round Neck", "Neck: V-Neck", "Neck", "Neck: Polo Collar", "Collar: Spread Collar"],
    )


def mini_questions():
    vocabulary = json.loads((MINI / "vocabulary.json").read_text())

    def values(name):
        return [f"{name}: {value}" for value in vocabulary[name]]

    first, second, third = SAMPLES
    for picture in SAMPLES:
        yield question(
            picture,
            wrapped("What is the pattern of the shirt in this picture?"),
            values("Pattern"),
        )
    yield question(
        first, wrapped("What is the colour of the shirt in this picture?"), values("Colour")
    )
    yield question(
        second, wrapped("What is the neck type of the shirt in this picture?"), values("Neck")
    )
    yield question(
        third,
        wrapped("What is the sleeve length of the shirt in this picture?"),
        values("Sleeve Length"),
    )
    # One text is the beginning of another, and of several.
    yield question(
        first,
        wrapped("What is the fabric of the shirt in this picture?"),
        ["Fabric", "Fabric: Cotton", "Fabric: Cotton Blend", "Fabric: Cotton Blend, washed", "F"],
    )
    yield question(second, "Collar", ["Collar: Spread Collar", "no collar at all", "x"])
    # Long enough that the far buckets of the position bias are used.
    yield question(
        third,
        wrapped("What is the fit of the shirt in this picture?" * 3),
        values("Fit") + ["Fit: " + "Regular Fit, " * 12 + "Slim Fit", "Fit: " + "Slim Fit, " * 40],
    )


def load(folder):
    model = Blip2ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    return model, tokenizer


def processed(path):
    picture = Image.open(path).convert("RGB")
    processor = BlipImageProcessor.from_pretrained(MINI)
    return processor(images=picture, return_tensors="pt")["pixel_values"]


def ids(tokenizer, text):
    found = tokenizer(text).input_ids
    return found if found and found[-1] == 1 else found + [1]


@torch.no_grad()
def log_probability(model, pixel_values, prompt_ids, labels):
    image_tokens = [model.config.image_token_index] * model.config.num_query_tokens
    input_ids = torch.tensor([image_tokens + prompt_ids])
    logits = model(
        pixel_values=pixel_values,
        input_ids=input_ids,
        attention_mask=torch.ones_like(input_ids),
        labels=torch.tensor([labels]),
    ).logits[0]
    each = torch.log_softmax(logits.float(), -1).gather(1, torch.tensor(labels)[:, None])
    return each.double().sum().item()


def answered(folder, pictures, questions):
    model, tokenizer = load(folder)
    for one in questions:
        pixel_values = pictures[one["picture"]]
        prompt_ids = ids(tokenizer, one["prompt"])
        labels = [ids(tokenizer, choice) for choice in one["choices"]]
        values = [log_probability(model, pixel_values, prompt_ids, label) for label in labels]
        yield one | {"log_probabilities": values, "token_counts": [len(label) for label in labels]}


def main():
    size = json.loads((MINI / "config.json").read_text())["vision_config"]["image_size"]
    pictures = {}
    for name in SAMPLES:
        path = HERE / f"{name}.png"
        picture = Image.open(ROOT / "samples" / f"{name}.jpg").convert("RGB")
        picture.resize((size, size), Image.Resampling.BICUBIC).save(path, optimize=True)
        pictures[name] = processed(path)
    photo = load_file(TINY / "expected.safetensors")["pixel_values_png"]
    stored = {
        "tiny": list(answered(TINY / "checkpoint", {"photo": photo}, tiny_questions())),
        "mini": list(answered(MINI, pictures, mini_questions())),
    }
    (HERE / "choices.json").write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
