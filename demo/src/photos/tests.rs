use std::fs;

use super::*;

fn folder_with(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        fs::write(folder.path().join(name), b"x").unwrap();
    }
    folder
}

#[test]
fn photographs_are_sorted_and_other_files_are_listed() {
    let folder = folder_with(&[
        "b.PNG",
        "a.jpeg",
        "c.webp",
        "notes.txt",
        ".DS_Store",
        "d.heic",
    ]);
    fs::create_dir(folder.path().join("more.jpg")).unwrap();
    let selection = photographs(folder.path()).unwrap();
    let found: Vec<_> = selection
        .photos
        .iter()
        .map(|p| (p.id.as_str(), p.format))
        .collect();
    assert_eq!(
        found,
        [("a", Format::Jpeg), ("b", Format::Png), ("c", Format::WebP)]
    );
    assert_eq!(selection.skipped, ["d.heic", "more.jpg", "notes.txt"]);
    assert_eq!(selection.over_limit, 0);
}

#[test]
fn one_name_with_two_endings_makes_two_products() {
    let folder = folder_with(&["shirt.jpg", "shirt.png"]);
    let selection = photographs(folder.path()).unwrap();
    let ids: Vec<_> = selection
        .photos
        .iter()
        .map(|photo| photo.id.as_str())
        .collect();
    assert_eq!(ids, ["shirt", "shirt-2"]);
}

#[test]
fn a_folder_without_photographs_is_an_error_that_says_so() {
    let folder = folder_with(&["notes.txt"]);
    let error = photographs(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no .jpg, .jpeg, .png or .webp"), "{error}");
    assert!(error.contains("notes.txt"), "{error}");

    let empty = tempfile::tempdir().unwrap();
    let error = photographs(empty.path()).unwrap_err().to_string();
    assert!(error.contains("it is empty"), "{error}");

    let error = photographs(&empty.path().join("none"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("cannot read the folder"), "{error}");
}

#[test]
fn the_limit_keeps_the_first_and_counts_the_rest() {
    let folder = folder_with(&["a.jpg", "b.jpg", "c.jpg"]);
    let selection = photographs(folder.path()).unwrap().limited_to(2);
    assert_eq!(selection.photos.len(), 2);
    assert_eq!(selection.over_limit, 1);
}

#[test]
fn the_projects_samples_are_drawn_and_say_what_is_true() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
    let selection = drawn_samples(&folder).unwrap();
    assert_eq!(selection.photos.len(), 12);
    for photo in &selection.photos {
        assert!(photo.path.is_file(), "{}", photo.path.display());
        assert!(photo.drawn.as_ref().is_some_and(|record| record.drawn));
    }
}
