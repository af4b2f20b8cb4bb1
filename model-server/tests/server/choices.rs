//! Answers that are held to a vocabulary, by the small checkpoint.

use image::ImageFormat;
use serde_json::{Map, Value, json};

use crate::checkpoint;
use crate::support::{Server, base64, code, encoded, picture, read};

const FABRIC: &str = "What is the fabric of the shirt in this picture?";
const FIT: &str = "What is the fit of the shirt in this picture?";
const SLEEVES: &str = "Question: What is the Sleeve Length of the top in this picture? Answer: ";

fn image() -> String {
    base64(&encoded(&picture(120, 160), ImageFormat::Png))
}

async fn ask(server: &Server, questions: Value, parameters: Value) -> Value {
    let mut request = questions;
    request["image"] = json!(image());
    request["parameters"] = parameters;
    let (status, answer) = server.post(&request).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

fn probabilities(answer: &Value) -> &Map<String, Value> {
    answer["choices"].as_object().unwrap()
}

/// The choices are these in this order, and value and confidence those of the
/// likeliest.
fn assert_chosen(answer: &Value, attribute: &str, values: &[&str]) {
    let choices = probabilities(answer);
    let given: Vec<&str> = choices.keys().map(String::as_str).collect();
    assert_eq!(given, values);
    let shares: Vec<f64> = choices
        .values()
        .map(|share| share.as_f64().unwrap())
        .collect();
    assert!(
        (shares.iter().sum::<f64>() - 1.0).abs() < 1e-9,
        "{shares:?}"
    );
    let most = shares.iter().copied().fold(0.0, f64::max);
    assert_eq!(answer["confidence"], most);
    let likeliest = shares.iter().position(|&share| share == most).unwrap();
    let value = values[likeliest].rsplit(": ").next().unwrap();
    assert_eq!(
        (&answer["attribute"], &answer["value"]),
        (&json!(attribute), &json!(value))
    );
    assert_eq!(answer["generated_text"], format!("{attribute}: {value}"));
    assert!(answer["generated_tokens"].as_u64().unwrap() > 1);
}

fn assert_same(one: &Value, other: &Value) {
    assert_eq!(one["value"], other["value"]);
    assert_eq!(one["generated_text"], other["generated_text"]);
    let confidences = [one, other].map(|answer| answer["confidence"].as_f64().unwrap());
    assert!(
        (confidences[0] - confidences[1]).abs() < 1e-5,
        "{one} {other}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_question_is_answered_with_the_probability_of_each_choice() {
    let server = checkpoint::start().await;
    let values = ["Silk", "Cotton", "Viscose Rayon", "Denim"];
    for given in [json!(values), json!([values]), json!({"Fabric": values})] {
        let parameters = json!({"details": true, "choices": given});
        let answer = ask(&server, json!({"prompt": FABRIC}), parameters).await;
        assert_chosen(&answer, "Fabric", &values);
        let plain = ask(
            &server,
            json!({"prompt": FABRIC}),
            json!({"choices": given}),
        )
        .await;
        assert_eq!(plain, json!({"Fabric": answer["value"]}));
    }
    let whole = ["Fabric: Silk", "Fabric: Denim"];
    let parameters = json!({"details": true, "choices": whole});
    let answer = ask(&server, json!({"prompt": "Is it dear?"}), parameters).await;
    assert_chosen(&answer, "Fabric", &whole);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_and_free_answers_go_together_and_are_as_alone() {
    let server = checkpoint::start().await;
    let prompts = [FABRIC, FIT, SLEEVES];
    let fabrics = ["Cotton", "Linen"];
    let sleeves = ["Long Sleeves", "Short Sleeves", "Sleeveless"];
    for choices in [
        json!({"Sleeve Length": sleeves, "Fabric": fabrics}),
        json!([fabrics, null, sleeves]),
    ] {
        let parameters = json!({"details": true, "choices": choices});
        let together = ask(&server, json!({"prompts": prompts}), parameters).await;
        assert_chosen(&together[0], "Fabric", &fabrics);
        assert_chosen(&together[2], "Sleeve Length", &sleeves);
        assert_eq!(together[1].get("choices"), None);
        for (index, choices) in [json!(fabrics), json!(null), json!(sleeves)]
            .iter()
            .enumerate()
        {
            let parameters = json!({"details": true, "choices": choices});
            let alone = ask(&server, json!({"prompt": prompts[index]}), parameters).await;
            assert_same(&alone, &together[index]);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_the_threshold_there_is_no_value() {
    let server = checkpoint::start().await;
    let values = ["Cotton", "Silk", "Denim"];
    let asked = json!({"prompts": [FABRIC, FIT]});
    for (abstain_below, abstains) in [(0.0, false), (1.0, true)] {
        let mut parameters = json!({"choices": [values, null], "abstain_below": abstain_below});
        let plain = ask(&server, asked.clone(), parameters.clone()).await;
        assert_eq!(plain[0]["Fabric"].is_null(), abstains);
        // The free answer is given in any case.
        assert!(plain[1]["Fit"].is_string(), "{plain}");
        parameters["details"] = json!(true);
        let details = ask(&server, asked.clone(), parameters).await;
        assert_eq!(details[0]["value"].is_null(), abstains);
        assert_eq!(details[0]["attribute"], "Fabric");
        assert_eq!(probabilities(&details[0]).len(), 3);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parameters_of_generation_change_no_choice() {
    let server = checkpoint::start().await;
    let mut parameters = json!({"details": true, "choices": ["Cotton", "Silk"]});
    let expected = ask(&server, json!({"prompt": FABRIC}), parameters.clone()).await;
    parameters["num_beams"] = json!(4);
    parameters["do_sample"] = json!(true);
    parameters["temperature"] = json!(3.5);
    parameters["max_new_tokens"] = json!(1);
    let answer = ask(&server, json!({"prompt": FABRIC}), parameters).await;
    assert_same(&answer, &expected);
    assert_eq!(answer["generated_tokens"], expected["generated_tokens"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_and_as_long_as_stated_and_no_longer() {
    let server = checkpoint::start().await;
    let values: Vec<String> = (0..1_000)
        .map(|number| format!("Cotton {number}"))
        .collect();
    let parameters = json!({"details": true, "choices": values});
    let answer = ask(&server, json!({"prompt": FABRIC}), parameters).await;
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    assert_chosen(&answer, "Fabric", &values);

    let long = "Cotton ".repeat(60);
    let request = json!({"image": image(), "prompt": FABRIC,
        "parameters": {"choices": ["Silk", long]}});
    let (status, answer) = server.post(&request).await;
    assert_eq!((status, code(&answer)), (400, "invalid_parameter"));
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("Cotton Cotton") && message.contains("40 tokens"),
        "{message}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_and_images_have_choices_as_well() {
    let server = checkpoint::start().await;
    let parameters = json!({"choices": ["Cotton", "Silk"]});
    let expected = ask(&server, json!({"prompt": FABRIC}), parameters.clone()).await;

    let line = json!({"image": image(), "prompt": FABRIC, "parameters": parameters}).to_string();
    let lines = [("content-type", "application/jsonlines")];
    let response = server.send(&lines, format!("{line}\n{line}\n")).await;
    let text = response.text().await.unwrap();
    assert_eq!(text, format!("{expected}\n{expected}\n"));

    let attributes = json!({"prompt": FABRIC, "parameters": parameters}).to_string();
    let headers = [
        ("content-type", "image/png"),
        ("x-amzn-sagemaker-custom-attributes", attributes.as_str()),
    ];
    let body = encoded(&picture(120, 160), ImageFormat::Png);
    assert_eq!(
        read(server.send(&headers, body).await).await,
        (200, expected)
    );
    server.stop().await;
}
