//! `lookbook sample` and `lookbook prepare`: what the trainer does, with results as JSON.

use crate::lookbook::Lookbook;

/// Exit code of `docs/cli.md`.
const USAGE: i32 = 2;

#[tokio::test]
async fn a_drawn_catalogue_is_prepared_and_the_report_is_json() {
    let temporary = tempfile::tempdir().unwrap();
    let at = |name: &str| temporary.path().join(name).to_str().unwrap().to_owned();
    let (drawn, prepared) = (at("drawn"), at("prepared"));
    let lookbook = Lookbook::with_services(&[]);
    let sample = ["--json", "sample", "--products", "60", "--out", &drawn];
    let (code, said) = lookbook.json(&sample).await;
    assert_eq!(
        (code, said["products"].as_u64()),
        (Some(0), Some(60)),
        "{said}"
    );
    let (_, again) = lookbook.json(&sample).await;
    assert_eq!(again["photos_kept"], 60, "{again}");

    let mut prepare = vec!["--json", "prepare", "--data", &drawn, "--out", &prepared];
    prepare.extend(["--min-count", "1"]);
    let (code, report) = lookbook.json(&prepare).await;
    assert_eq!(code, Some(0), "{report}");
    let file = std::fs::read(format!("{prepared}/report.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(report["products"], file["products"]);
    assert!(report["products"].as_u64().unwrap() > 0, "{report}");
    assert!(
        std::path::Path::new(&prepared)
            .join("vqa_train.csv")
            .is_file()
    );

    prepare.extend(["--validation", "2"]);
    let output = lookbook.run(&prepare).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(USAGE), "{told}");
    assert!(told.contains("the shares of validation"), "{told}");
    // For people it is what the trainer says.
    let output = lookbook
        .run(&["sample", "--products", "60", "--out", &drawn])
        .await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.starts_with("60 products in "), "{said}");
}
