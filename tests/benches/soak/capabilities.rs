//! What the server under test understands.

use anyhow::{Result, anyhow};
use serde_json::{Value, json};

use crate::http::{Client, Pace, request};

/// Parts of the contract that a server may lack; what is lacking is said and
/// left out.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// `parameters.choices` and `abstain_below`.
    pub choices: bool,
    /// An image as the body, the rest in a header.
    pub raw_images: bool,
    /// `application/jsonlines`.
    pub json_lines: bool,
}

impl Capabilities {
    /// Asks for each, with an image that is none, and sees whether the form of
    /// the request is what is refused.
    pub async fn probe(client: &mut Client) -> Result<Capabilities> {
        let choices = json!({
            "image": "AAAA",
            "prompt": "What is the fabric of the shirt in this picture?",
            "parameters": {"choices": ["Cotton", "Wool"], "abstain_below": 0.5}
        });
        let choices = choices.to_string();
        let attributes = json!({"prompts": ["Fabric"]}).to_string();
        let capabilities = Capabilities {
            choices: refusal(client, &[("Content-Type", "application/json")], &choices).await?
                != "invalid_parameter",
            raw_images: refusal(
                client,
                &[
                    ("Content-Type", "image/jpeg"),
                    ("X-Amzn-SageMaker-Custom-Attributes", &attributes),
                ],
                "no image",
            )
            .await?
                != "unsupported_media_type",
            json_lines: refusal(
                client,
                &[("Content-Type", "application/jsonlines")],
                "no JSON",
            )
            .await?
                != "unsupported_media_type",
        };
        for (is_there, what) in [
            (capabilities.choices, "`parameters.choices`"),
            (capabilities.raw_images, "images as the body"),
            (capabilities.json_lines, "application/jsonlines"),
        ] {
            if !is_there {
                println!("left out, this server does not understand it: {what}");
            }
        }
        Ok(capabilities)
    }
}

/// The code of the error that comes back.
async fn refusal(client: &mut Client, headers: &[(&str, &str)], body: &str) -> Result<String> {
    let request = request("POST", "/invocations", headers, body.as_bytes());
    let response = client
        .exchange(&request, Pace::AtOnce)
        .await
        .map_err(|broken| anyhow!("{broken}"))?;
    // A line's error stands in a line of its own.
    let code = response
        .json()
        .map(|body: Value| body["error"]["code"].clone());
    code.as_ref()
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| anyhow!("not an error: {}", response.excerpt()))
}
