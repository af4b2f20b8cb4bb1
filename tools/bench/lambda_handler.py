"""The function's work in Python, as `make bench-lambda` measures it.

Run in this folder by `python -m awslambdaric lambda_handler.main`. It answers a call by
HTTP (payload format 2.0, JSON with the photo as base64) with the description, and
describes the photos that S3's notifications name in `descriptions/<product_id>.json`.

As the published example does, it asks the endpoint one question a call, one call after
the other, and has the text written from the answers. What it leaves out that the function
in Rust does: photos are not looked at, the text is not checked, no answer is read against
an attribute's values, and a result that is there already is written again.

Clients are made while the module is imported, which is Lambda's advice: a later call finds
them, with their connections.
"""

import base64
import json
import os.path
import urllib.parse

import boto3

MODEL = "anthropic.claude-3-sonnet-20240229-v1:0"
ENDPOINT = "endpoint-finetuned-blip2"

# Names, and the words of their questions.
ATTRIBUTES = {
    "Fabric": "fabric",
    "Fit": "fit",
    "Collar": "collar",
    "Pattern": "pattern",
    "Sleeve Length": "sleeve length",
    "Neck": "neck type",
    "Sleeve Styling": "sleeve styling",
    "Colour": "colour",
}

INSTRUCTIONS = """\
You write the text of a shirt's product page for a fashion web shop, from its attributes \
between <product_attributes> and </product_attributes>.
- Begin with a short name for the shirt.
- Mention every attribute with its value, and nothing that they do not say.
- Say what it suits, what goes well with it and how it fits, in words that shoppers search for.
Reply with 80 to 150 words of plain prose."""

endpoint = boto3.client("sagemaker-runtime")
writer = boto3.client("bedrock-runtime")
storage = boto3.client("s3")


def ask(image, words):
    """The endpoint's answer to one question about a photo in base64: "Fabric: Cotton"."""
    question = f"Question: What is the {words} of the shirt in this picture? Answer: "
    response = endpoint.invoke_endpoint(
        EndpointName=ENDPOINT,
        ContentType="application/json",
        Body=json.dumps({"prompt": question, "image": image}),
    )
    return json.loads(response["Body"].read())


def write(attributes):
    """The text, and what it took."""
    told = "\n".join(f"{name}: {value}" for name, value in attributes.items())
    response = writer.invoke_model(
        modelId=MODEL,
        contentType="application/json",
        accept="application/json",
        body=json.dumps(
            {
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": 400,
                "temperature": 0.1,
                "system": INSTRUCTIONS,
                "messages": [
                    {
                        "role": "user",
                        "content": f"<product_attributes>\n{told}\n</product_attributes>",
                    }
                ],
            }
        ),
    )
    answer = json.loads(response["body"].read())
    text = "".join(block["text"] for block in answer["content"] if block["type"] == "text")
    return text, answer["usage"]


def describe(product_id, image):
    """The description of a product whose photo is given in base64."""
    attributes = {}
    for name, words in ATTRIBUTES.items():
        attributes[name] = ask(image, words).partition(":")[2].strip()
    text, usage = write(attributes)
    return {
        "product_id": product_id,
        "attributes": attributes,
        "description": text,
        "models": {"attributes": ENDPOINT, "description": MODEL},
        "usage": usage,
    }


def store(record):
    """Describes a photo in S3 and says where the result is."""
    bucket = record["s3"]["bucket"]["name"]
    key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
    product_id = os.path.splitext(os.path.basename(key))[0]
    photo = storage.get_object(Bucket=bucket, Key=key)["Body"].read()
    result = f"descriptions/{product_id}.json"
    storage.put_object(
        Bucket=bucket,
        Key=result,
        ContentType="application/json",
        Body=json.dumps(describe(product_id, base64.b64encode(photo).decode())),
    )
    return f"s3://{bucket}/{result}"


def main(event, _context):
    """Lambda's entry point."""
    if "Records" in event:
        return {"written": [store(record) for record in event["Records"]]}
    request = json.loads(event["body"])
    answer = describe(request.get("product_id"), request["image"]["base64"])
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(answer),
    }
