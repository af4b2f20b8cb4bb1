//! What `prepare` leaves: files of one run and of no other, and what they tell.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use catalogue::{
    Error, LEFT_OUT_FILE, Mapping, PrepareOptions, Progress, REPORT_FILE, Silent, Source, Split,
    pairs, prepare,
};
use serde_json::Value;

use common::{Shop, kaggle, options};

fn shop(count: usize) -> Shop {
    let mut shop = Shop::new();
    for id in 1..=count {
        let colour = ["Blue", "White", "Black"][id % 3];
        shop.add(id, "Shirts", colour, &[("Fabric", "Cotton")], &[]);
    }
    shop
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    all.filter(|file| file.path().is_file())
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read(file.path()).unwrap())
        })
        .collect()
}

fn report(out: &Path) -> Value {
    serde_json::from_slice(&fs::read(out.join(REPORT_FILE)).unwrap()).unwrap()
}

#[test]
fn a_run_that_fails_leaves_the_files_of_the_one_before() {
    let folder = shop(40).write();
    let out = folder.path().join("out");
    let first = options(kaggle(folder.path()), &out);
    prepare(&first, &Silent).unwrap();
    // The last of the files can't be written, when products would change their files.
    let page = out.join(catalogue::PAGE_FILE);
    fs::remove_file(&page).unwrap();
    fs::create_dir(&page).unwrap();
    let before = files(&out);
    let second = PrepareOptions { seed: 43, ..first };
    let error = prepare(&second, &Silent).unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error}");
    assert!(error.to_string().contains(catalogue::PAGE_FILE), "{error}");
    assert_eq!(files(&out), before);

    fs::remove_dir(&page).unwrap();
    prepare(&second, &Silent).unwrap();
    let after = files(&out);
    assert_eq!(after.len(), 8, "{:?}", after.keys());
    assert_ne!(after["vqa_test.csv"], before["vqa_test.csv"]);
}

#[test]
fn files_of_two_runs_are_never_beside_each_other() {
    let folder = shop(40).write();
    let out = folder.path().join("out");
    let first = options(kaggle(folder.path()), &out);
    prepare(&first, &Silent).unwrap();
    // A file of the run before that this one does not write anew can't be removed.
    let shares = catalogue::Shares {
        validation: 0.0,
        test: 0.1,
    };
    let second = PrepareOptions { shares, ..first };
    let validation = out.join(Split::Validation.file_name());
    fs::remove_file(&validation).unwrap();
    fs::create_dir(&validation).unwrap();
    let error = prepare(&second, &Silent).unwrap_err();
    assert!(matches!(error, Error::Unfinished { .. }), "{error}");
    assert!(error.to_string().contains("vqa_val.csv"), "{error}");
    let left = files(&out);
    assert!(!left.contains_key("vqa_train.csv"), "{:?}", left.keys());
    assert!(left.keys().all(|name| !name.ends_with(".part")));
}

#[test]
fn a_table_is_not_replaced_by_what_is_made_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("products.csv");
    let text = "id,category,Colour\n1,shirt,Blue\n";
    fs::write(&table, text).unwrap();
    fs::write(folder.path().join("1.jpg"), "a photo").unwrap();
    let source = Source::Table {
        file: table.clone(),
        images: folder.path().to_owned(),
        mapping: Mapping::default(),
    };
    let error = prepare(&options(source, folder.path()), &Silent).unwrap_err();
    assert!(error.to_string().contains("another folder"), "{error}");
    assert_eq!(fs::read_to_string(table).unwrap(), text);
}

#[test]
fn what_is_held_out_is_counted_where_it_is_asked() {
    let mut shop = Shop::new();
    for id in 1..=40 {
        // Of every fourth product the colour alone is known.
        let facts: &[(&str, &str)] = match id % 4 {
            0 => &[],
            _ => &[("Fabric", "Cotton")],
        };
        shop.add(id, "Shirts", "Blue", facts, &[]);
    }
    let folder = shop.write();
    let out = folder.path().join("out");
    let options = PrepareOptions {
        hold_out: vec!["Colour".to_owned()],
        ..options(kaggle(folder.path()), &out)
    };
    let told = prepare(&options, &Silent).unwrap();
    for split in &told.splits {
        let pairs = pairs::read(&out.join(split.file)).unwrap();
        assert_eq!(split.pairs as usize, pairs.len());
        let mut ids: Vec<&str> = pairs.iter().map(|pair| pair.id.as_str()).collect();
        ids.dedup();
        assert_eq!(split.products as usize, ids.len(), "{split:?}");
        let asked = |answer: &str| pairs.iter().filter(|pair| pair.answer == answer).count() as u64;
        let counted = |name: &str, value: &str| {
            let values = split.values.get(name);
            values.map_or(0, |values| values[value])
        };
        assert_eq!(counted("Fabric", "Cotton"), asked("Fabric: Cotton"));
        assert_eq!(counted("Colour", "Blue"), asked("Colour: Blue"));
    }
    assert!(!told.splits[0].values.contains_key("Colour"));
    assert!(told.splits[2].values.contains_key("Colour"));
}

#[test]
fn all_that_is_left_out_is_listed_and_examples_have_an_order_of_their_own() {
    let mut shop = shop(30);
    for id in 31..=50 {
        shop.add(id, "Watches", "Blue", &[], &[]);
    }
    let write = |shop: &Shop| {
        let folder = shop.write();
        fs::remove_file(folder.path().join("images/7.jpg")).unwrap();
        let styles = folder.path().join("styles.csv");
        let mut table = fs::read_to_string(&styles).unwrap();
        for id in 60..70 {
            table += &format!("{id},Shirts,Blue,Product, {id}\n");
        }
        fs::write(&styles, table).unwrap();
        folder
    };
    let turned = write(&shop.reversed());
    let folder = write(&shop);
    let outs = [folder.path(), turned.path()].map(|folder| {
        let out = folder.join("out");
        prepare(&options(kaggle(folder), &out), &Silent).unwrap();
        out
    });
    assert_eq!(report(&outs[0]), report(&outs[1]));
    let told = report(&outs[0]);
    let watches = &told["dropped"]["a category outside the attribute set: Watches"];
    assert_eq!(watches["count"], 20);
    assert_eq!(watches["examples"].as_array().unwrap().len(), 8);
    assert_eq!(watches["examples"][0], "31");

    let listed = fs::read_to_string(outs[0].join(LEFT_OUT_FILE)).unwrap();
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines[0], "id,reason,detail,place");
    assert_eq!(lines.len(), 1 + 10 + 20 + 1);
    assert_eq!(
        lines[1],
        ",\"it has 5 fields, the header 4\",\"60,Shirts,Blue,Product, 60\",\"styles.csv, line 52\""
    );
    assert_eq!(lines[11], "7,its photo is missing,images/7.jpg,");
    assert_eq!(
        lines[31],
        "50,a category outside the attribute set: Watches,,"
    );
}

#[test]
fn what_has_no_id_is_listed_with_its_text_and_so_are_lines_about_photos() {
    let folder = shop(10).write();
    let styles = folder.path().join("styles.csv");
    let table = fs::read_to_string(&styles).unwrap() + ",Shirts,Blue,Product of no id\n";
    fs::write(&styles, table).unwrap();
    let links = "filename,link\n1.jpg,http://shop/1\n2.jpg,undefined,more\n";
    fs::write(folder.path().join("images.csv"), links).unwrap();
    let out = folder.path().join("out");
    let report = prepare(&options(kaggle(folder.path()), &out), &Silent).unwrap();
    assert_eq!((report.lines, report.products), (12, 10));
    assert_eq!(
        (report.broken_lines.total(), report.dropped.total()),
        (1, 1)
    );
    let listed = fs::read_to_string(out.join(LEFT_OUT_FILE)).unwrap();
    for line in [
        ",no id,\",Shirts,Blue,Product of no id\",",
        ",\"it has 3 fields, the header 2\",\"2.jpg,undefined,more\",\"images.csv, line 3\"",
    ] {
        assert!(listed.lines().any(|known| known == line), "{listed}");
    }
}

/// Keeps what is worth a line.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn stage(&self, _what: &str, _total: u64) {}
    fn advance(&self, _steps: u64) {}
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

#[test]
fn photos_of_an_earlier_run_are_told_of_and_stay() {
    let (first, second) = (shop(6).write(), shop(9).write());
    for (id, photo) in [(1, "one"), (9, "nine")] {
        let name = format!("images/{id}.jpg");
        fs::write(second.path().join(name), photo).unwrap();
    }
    let out = first.path().join("out");
    let mut both = options(kaggle(first.path()), &out);
    both.sources.push(kaggle(second.path()));
    let notes = Notes::default();
    prepare(&both, &notes).unwrap();
    assert!(notes.0.lock().unwrap().is_empty());
    assert_eq!(files(&out.join("images")).len(), 9);

    // The same again, then without some of the products.
    prepare(&both, &notes).unwrap();
    assert_eq!(files(&out.join("images")).len(), 9);
    fs::remove_file(second.path().join("images/9.jpg")).unwrap();
    prepare(&both, &notes).unwrap();
    let notes = notes.0.into_inner().unwrap();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("1 files in"), "{notes:?}");
    assert_eq!(files(&out.join("images"))["9.jpg"], b"nine");
}

#[test]
fn photos_that_an_earlier_run_gathered_under_the_same_names_are_told_of() {
    let (first, second) = (shop(6).write(), shop(9).write());
    let out = first.path().join("out");
    let mut both = options(kaggle(first.path()), &out);
    both.sources.push(kaggle(second.path()));
    prepare(&both, &Silent).unwrap();
    // Now all of them lie in one folder.
    let notes = Notes::default();
    prepare(&options(kaggle(first.path()), &out), &notes).unwrap();
    let notes = notes.0.into_inner().unwrap();
    let told = notes.iter().find(|note| note.starts_with("9 files in"));
    let photos = first.path().join("images").display().to_string();
    assert!(told.is_some_and(|note| note.contains(&photos)), "{notes:?}");
    assert_eq!(files(&out.join("images")).len(), 9);
}

#[test]
fn rows_of_several_lines_are_told_of_where_they_may_have_swallowed_others() {
    let folder = shop(10).write();
    let styles = folder.path().join("styles.csv");
    let table = fs::read_to_string(&styles).unwrap();
    let swallowing = "50,Shirts,Blue,\"Product 50\n51,Shirts,Blue,Product\"\n";
    fs::write(&styles, table + swallowing).unwrap();
    let notes = Notes::default();
    let out = folder.path().join("out");
    prepare(&options(kaggle(folder.path()), &out), &notes).unwrap();
    let notes = notes.0.into_inner().unwrap();
    let says = "styles.csv: 1 rows have several lines, the first from line 12";
    assert!(notes.iter().any(|note| note.contains(says)), "{notes:?}");
}

#[test]
fn files_of_somebody_else_are_not_replaced() {
    let folder = shop(40).write();
    let out = folder.path().join("out");
    let options = options(kaggle(folder.path()), &out);
    let refused = |name: &str, text: &str| {
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join(name), text).unwrap();
        let error = prepare(&options, &Silent).unwrap_err().to_string();
        assert!(
            error.contains(name) && error.contains("another folder"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(out.join(name)).unwrap(), text);
        fs::remove_file(out.join(name)).unwrap();
        assert!(files(&out).is_empty());
    };
    refused("products.csv", "id,price\n1,9.90\n");
    refused("products.csv", "id,category,split,group\n");
    refused(REPORT_FILE, "{\"settings\": 1}");
    refused("vqa_test.csv", "id,Question,Answer\n");
    refused(catalogue::PAGE_FILE, "<html>");

    // Beside those of an earlier run as well; and those are replaced.
    prepare(&options, &Silent).unwrap();
    let ours = files(&out);
    fs::write(out.join("products.csv"), "id,price\n").unwrap();
    let error = prepare(&options, &Silent).unwrap_err().to_string();
    assert!(error.contains("products.csv"), "{error}");
    fs::remove_file(out.join("products.csv")).unwrap();
    prepare(&options, &Silent).unwrap();
    assert_eq!(files(&out), ours);
}

#[test]
fn a_split_without_questions_leaves_no_file_that_training_refuses() {
    let folder = shop(40).write();
    let out = folder.path().join("out");
    let sound = options(kaggle(folder.path()), &out);
    prepare(&sound, &Silent).unwrap();
    assert!(out.join("vqa_val.csv").exists());
    // Nothing but two attributes is known, and both are held out.
    let before = files(&out);
    let all_held_out = PrepareOptions {
        hold_out: ["Fabric", "Colour"].map(str::to_owned).to_vec(),
        ..sound.clone()
    };
    let error = prepare(&all_held_out, &Silent).unwrap_err().to_string();
    assert!(
        error.contains("vqa_train.csv would have no questions"),
        "{error}"
    );
    assert_eq!(files(&out), before);

    // One product alone is trained on.
    let one = shop(1).write();
    let notes = Notes::default();
    let options = PrepareOptions {
        sources: vec![kaggle(one.path())],
        ..sound
    };
    prepare(&options, &notes).unwrap();
    assert!(!out.join("vqa_val.csv").exists());
    let notes = notes.0.into_inner().unwrap();
    for name in ["no vqa_val.csv", "vqa_test.csv has no questions"] {
        assert!(notes.iter().any(|note| note.contains(name)), "{notes:?}");
    }
}

#[test]
fn a_mapping_adds_to_columns_that_are_called_as_attributes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut table = String::from("sku,kind,material,fabric,Fit,color,Pattern\n");
    for id in 1..=20 {
        table += &format!("{id},Shirts,Cotton,Linen,Slim Fit,navy,Solid\n");
        // Photos of any kind are found without a column of their names.
        let ending = ["jpg", "png", "webp"][id % 3];
        fs::write(at(&format!("{id}.{ending}")), "a photo").unwrap();
    }
    table += "21,Shirts,Cotton,Linen,Slim Fit,navy,Solid\n";
    fs::write(at("table.csv"), table).unwrap();
    fs::write(
        at("mapping.toml"),
        // The pattern is the name of the style here.
        "id = \"sku\"\ncategory = \"kind\"\ntitle = \"Pattern\"\n\
         [attributes]\nFabric = \"material\"\n",
    )
    .unwrap();
    let source = Source::Table {
        file: at("table.csv"),
        images: folder.path().to_owned(),
        mapping: Mapping::read(&at("mapping.toml")).unwrap(),
    };
    let out = at("out");
    let told = prepare(&options(source, &out), &Silent).unwrap();
    assert_eq!(told.products, 20);
    let train = pairs::read(&out.join("vqa_train.csv")).unwrap();
    let of_first = train.iter().filter(|pair| pair.id == train[0].id);
    let answers: Vec<&str> = of_first.map(|pair| pair.answer.as_str()).collect();
    assert_eq!(
        answers,
        ["Fabric: Cotton", "Fit: Slim Fit", "Colour: Navy Blue"]
    );
    let told = report(&out);
    assert_eq!(
        told["dropped"]["its photo is missing"]["examples"][0],
        "21: 21.jpg, .jpeg, .png or .webp"
    );
}
