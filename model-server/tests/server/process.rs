//! The program as a process.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use image::ImageFormat;
use serde_json::{Value, json};

use crate::checkpoint::model_dir;
use crate::support::{PATIENCE, base64, encoded, picture};

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_model-server"));
    for name in [
        "RUST_LOG",
        "MODEL_DIR",
        "MODEL_ADAPTERS",
        "SAGEMAKER_BIND_TO_PORT",
    ] {
        command.env_remove(name);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn end_within(child: &mut Child, limit: Duration) -> i32 {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().expect("ended by a signal");
        }
        if started.elapsed() > limit {
            child.kill().unwrap();
            panic!("the process does not end within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn until_exists(path: &Path, child: &mut Child) -> String {
    let started = Instant::now();
    while !path.exists() {
        assert!(child.try_wait().unwrap().is_none(), "the process has ended");
        assert!(started.elapsed() < PATIENCE, "no ready file");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::fs::read_to_string(path).unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_until_sigterm_and_logs_one_json_line_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let ready_file = folder.path().join("ready.json");
    let mut child = program()
        .args([
            "serve",
            "--host",
            "127.0.0.1",
            "--log-format",
            "json",
            "--model-dir",
        ])
        .arg(model_dir())
        .arg("--ready-file")
        .arg(&ready_file)
        .env("SAGEMAKER_BIND_TO_PORT", "0")
        .spawn()
        .unwrap();
    let ready: Value = serde_json::from_str(&until_exists(&ready_file, &mut child)).unwrap();
    let url = ready["http"].as_str().unwrap().to_owned();
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap();
    let started = Instant::now();
    while client
        .get(format!("{url}/ping"))
        .send()
        .await
        .unwrap()
        .status()
        != 200
    {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let image = base64(&encoded(&picture(32, 48), ImageFormat::Png));
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let ask = |id: &'static str, version: &str, body: Value| {
        let request = client
            .post(format!("{url}/invocations"))
            .header("x-request-id", id)
            .header(
                "traceparent",
                format!("{version}-{trace_id}-00f067aa0ba902b7-01"),
            )
            .header(
                "x-amzn-trace-id",
                "Root=1-67891233-abcdef012345678912345678",
            );
        request.json(&body).send()
    };
    let question = "What is the fabric of the shirt in this picture?";
    let good = json!({"image": image, "prompts": [question, question]});
    assert_eq!(ask("good-1", "00", good).await.unwrap().status(), 200);
    let bad = json!({"image": image, "prompt": question, "parameters": {"beams": 1}});
    assert_eq!(ask("bad-1", "ff", bad).await.unwrap().status(), 400);

    let terminated = Command::new("kill")
        .arg("-TERM")
        .arg(child.id().to_string())
        .status();
    assert!(terminated.unwrap().success());
    assert_eq!(end_within(&mut child, Duration::from_secs(30)), 0);

    let lines: Vec<String> = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .collect();
    let line_of = |id: &str| -> Value {
        let of_id: Vec<&String> = lines.iter().filter(|line| line.contains(id)).collect();
        assert_eq!(of_id.len(), 1, "{lines:#?}");
        serde_json::from_str(of_id[0]).unwrap()
    };
    let good = line_of("good-1");
    assert_eq!(good["status"], 200);
    assert!(good["ms"].as_f64().unwrap() > 0.0);
    let span = &good["span"];
    assert_eq!(
        (&span["prompts"], &span["width"], &span["height"]),
        (&json!(2), &json!(32), &json!(48))
    );
    assert_eq!(span["path"], "/invocations");
    assert_eq!(span["trace_id"], trace_id);
    assert_eq!(span["parent_id"], "00f067aa0ba902b7");
    assert_eq!(
        span["amazon_trace_id"],
        "Root=1-67891233-abcdef012345678912345678"
    );
    let bad = line_of("bad-1");
    // There is no such version, so it counts as none.
    assert_eq!(bad["span"].get("trace_id"), None);
    assert_eq!(
        (&bad["status"], &bad["code"]),
        (&json!(400), &json!("invalid_parameter"))
    );
    assert!(
        lines
            .iter()
            .all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "{lines:#?}"
    );
    assert!(
        lines.iter().all(|line| !line.contains(&image[..40])),
        "the image is in the log"
    );
    assert!(
        lines.iter().any(|line| line.contains("SIGTERM")),
        "{lines:#?}"
    );
}

#[test]
fn a_checkpoint_that_is_none_ends_the_process_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = program()
        .args(["serve", "--host", "127.0.0.1", "--port", "0", "--model-dir"])
        .arg(folder.path())
        .spawn()
        .unwrap();
    assert_eq!(end_within(&mut child, PATIENCE), 1);
    let mut log = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    let last = log.lines().last().unwrap();
    assert!(
        last.starts_with("model-server: cannot load the model in "),
        "{log}"
    );
    assert!(last.contains(folder.path().to_str().unwrap()), "{log}");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = program()
        .args(["serve", "--host", "127.0.0.1", "--port", &port])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{}",
        text(&output)
    );
}

#[test]
fn wrong_settings_are_errors_of_usage() {
    for (arguments, part) in [
        (&["serve", "--device", "gpu"][..], "cpu, cuda or cuda:INDEX"),
        (&["serve", "--port", "70000"], "70000"),
        (&["serve", "--dtype", "f64"], "bf16"),
        (&["ask", "--image", "a.jpg"], "QUESTIONS"),
        (&[], "Usage"),
    ] {
        let output = program().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output).contains(part), "{}", text(&output));
    }
}

#[test]
fn ask_prints_answers() {
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("photo.jpg");
    std::fs::write(&photo, encoded(&picture(90, 120), ImageFormat::Jpeg)).unwrap();
    let ask = |arguments: &[&str]| {
        let mut command = program();
        command
            .arg("ask")
            .arg("--model-dir")
            .arg(model_dir())
            .arg("--image")
            .arg(&photo);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let fabric = "What is the fabric of the shirt in this picture?";
    let colour = "What is the colour of the shirt in this picture?";
    let plain = ask(&[fabric, colour]);
    let lines: Vec<&str> = plain.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("Fabric: "), "{plain}");

    let json: Value = serde_json::from_str(&ask(&["--json", fabric, colour])).unwrap();
    for (answer, line) in json.as_array().unwrap().iter().zip(lines) {
        assert_eq!(answer["generated_text"], line);
        assert!(answer["confidence"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn ask_says_what_is_wrong_with_the_photo() {
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("photo.jpg");
    let ask = || {
        let mut command = program();
        command
            .arg("ask")
            .arg("--model-dir")
            .arg(model_dir())
            .arg("--image")
            .arg(&photo);
        let output = command.arg("What?").output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        text(&output)
    };
    assert!(ask().contains("cannot read"));
    std::fs::write(&photo, "no photo").unwrap();
    assert!(ask().contains("photo.jpg"));
}
