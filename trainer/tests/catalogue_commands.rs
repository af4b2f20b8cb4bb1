//! `trainer sample` and `trainer prepare` as they are run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::process::{Command, Output};

fn trainer(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainer"))
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn a_drawn_catalogue_becomes_training_data() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| {
        let output = trainer(folder.path(), arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments}: {errors}");
        (String::from_utf8(output.stdout).unwrap(), errors)
    };
    let (said, shown) = run("sample --products 4 --seed 7 --out drawn");
    assert!(said.starts_with("4 products in drawn"), "{said}");
    // Without a terminal, progress is lines.
    assert!(
        shown.contains("drawing: 4") && !shown.contains('\r'),
        "{shown}"
    );

    let (said, _) = run(
        "prepare --data drawn --out prepared --min-count 1 --validation 0.25 --test 0.25 \
         --wording reference --hold-out Colour",
    );
    assert!(said.starts_with("4 products of 4 lines"), "{said}");
    let pairs = |name: &str| catalogue::pairs::read(&folder.path().join("prepared").join(name));
    let train = pairs("vqa_train.csv").unwrap();
    assert!(
        train
            .iter()
            .all(|pair| pair.question.contains("of the shirt"))
    );
    let asks_colour = |pair: &catalogue::Pair| pair.answer.starts_with("baseColour: ");
    assert!(!train.iter().any(asks_colour));
    assert!(pairs("vqa_test.csv").unwrap().iter().any(asks_colour));
    assert!(folder.path().join("prepared/catalogue.html").is_file());
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, says) in [
        ("prepare --out x", "--data <DIR>"),
        (
            "prepare --data none --out x",
            "none/styles.csv can't be read",
        ),
        (
            "prepare --data none --out x --wording odd",
            "default, reference, mixed",
        ),
        (
            "prepare --data none --out x --hold-out Taste",
            "\"Taste\" is no attribute",
        ),
        ("prepare --data none --out x --photo-distance 11", "0..=10"),
        ("sample --products 0 --out x", "0 is not in 1.."),
        (
            "sample --products 18446744073709551615 --out x",
            "is not in 1..=1000000",
        ),
    ] {
        let output = trainer(folder.path(), arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && errors.contains(says),
            "{arguments}: {errors}"
        );
        assert!(!folder.path().join("x").exists());
    }
}

#[test]
fn photos_beside_a_table_of_a_bare_name_are_not_overwritten() {
    let shop = tempfile::tempdir().unwrap();
    let images = shop.path().join("images");
    std::fs::create_dir(&images).unwrap();
    // Gathered under their ids, the photos would change places.
    let table = "id,category,Colour,image\n1,shirt,Blue,2.jpg\n2,shirt,Blue,1.jpg\n";
    std::fs::write(images.join("t.csv"), table).unwrap();
    for name in ["1.jpg", "2.jpg"] {
        std::fs::write(images.join(name), name).unwrap();
    }
    let output = trainer(
        &images,
        "prepare --table t.csv --out .. --min-count 1 --validation 0 --test 0 --no-photo-hash",
    );
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && errors.contains("would be overwritten"),
        "{errors}"
    );
    for name in ["1.jpg", "2.jpg"] {
        assert_eq!(std::fs::read(images.join(name)).unwrap(), name.as_bytes());
    }
    assert_eq!(std::fs::read_dir(&images).unwrap().count(), 3);
}
