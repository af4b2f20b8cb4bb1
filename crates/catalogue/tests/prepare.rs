//! From a catalogue to files of pairs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "common/mod.rs"]
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use attributes::Wording;
use catalogue::{
    Error, LEFT_OUT_FILE, Mapping, NA_FILE, PAGE_FILE, PRODUCTS_FILE, PrepareOptions, REPORT_FILE,
    Report, Shares, Silent, Source, Split, pairs, prepare,
};
use proptest::prelude::*;
use proptest::test_runner::Config;

use common::{Shop, kaggle, kaggle_data, options};

const OUTPUTS: [&str; 8] = [
    "vqa_train.csv",
    "vqa_val.csv",
    "vqa_test.csv",
    NA_FILE,
    PRODUCTS_FILE,
    LEFT_OUT_FILE,
    REPORT_FILE,
    PAGE_FILE,
];

fn outputs(out: &Path) -> Vec<Vec<u8>> {
    OUTPUTS
        .iter()
        .map(|name| fs::read(out.join(name)).unwrap())
        .collect()
}

/// By id: split and group.
fn products(out: &Path) -> BTreeMap<String, (String, String)> {
    let text = fs::read_to_string(out.join(PRODUCTS_FILE)).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,category,split,group"));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (
                fields[0].to_owned(),
                (fields[2].to_owned(), fields[3].to_owned()),
            )
        })
        .collect()
}

fn all_pairs(out: &Path) -> Vec<(Split, pairs::Pair)> {
    let of = |split: Split| {
        let file = out.join(split.file_name());
        // Without questions there is no file of validation.
        let pairs = match file.exists() {
            true => pairs::read(&file).unwrap(),
            false => Vec::new(),
        };
        pairs.into_iter().map(move |pair| (split, pair))
    };
    Split::ALL.into_iter().flat_map(of).collect()
}

/// A shop of `count` products in which product `i` is another colour of the one
/// before it where `is_sibling` says so.
fn shop(count: usize, is_sibling: &[bool]) -> Shop {
    let mut shop = Shop::new();
    for index in 0..count {
        let id = 100 + index;
        let colour = ["Blue", "White", "Black", "Red"][index % 4];
        let fabric = if index % 17 == 0 { "Linen" } else { "Cotton" };
        let siblings = match index.checked_sub(1) {
            Some(_) if is_sibling[index % is_sibling.len()] => vec![id - 1],
            _ => Vec::new(),
        };
        let kind = ["Shirts", "Tshirts", "Tops"][index % 3];
        shop.add(id, kind, colour, &[("Fabric", fabric)], &siblings);
    }
    shop
}

proptest! {
    #![proptest_config(Config { cases: 12, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_product_and_no_style_is_in_two_files(
        count in 20_usize..90,
        is_sibling in proptest::collection::vec(prop::bool::weighted(0.3), 5..12),
        seed: u64,
    ) {
        let shop = shop(count, &is_sibling);
        let folder = shop.write();
        let out = folder.path().join("out");
        let options = PrepareOptions { seed, ..options(kaggle(folder.path()), &out) };
        let report = prepare(&options, &Silent).unwrap();
        prop_assert_eq!(report.products as usize, count);

        let mut files: BTreeMap<String, BTreeSet<Split>> = BTreeMap::new();
        for (split, pair) in all_pairs(&out) {
            files.entry(pair.id).or_default().insert(split);
        }
        prop_assert_eq!(files.len(), count);
        prop_assert!(files.values().all(|files| files.len() == 1));
        for (id, sibling) in shop.siblings() {
            prop_assert_eq!(&files[&id], &files[&sibling]);
        }
        let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (split, group) in products(&out).into_values() {
            groups.entry(group).or_default().insert(split);
        }
        prop_assert!(groups.values().all(|splits| splits.len() == 1));
    }
}

#[test]
fn the_bytes_follow_from_catalogue_and_seed_alone() {
    let shop = shop(120, &[false, false, true]);
    let folder = shop.write();
    let run = |name: &str, threads: usize, source: &Path, seed: u64| {
        let out = folder.path().join(name);
        let options = PrepareOptions {
            seed,
            ..options(kaggle(source), &out)
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| prepare(&options, &Silent)).unwrap();
        outputs(&out)
    };
    let first = run("one", 1, folder.path(), 42);
    assert!(first == run("four", 4, folder.path(), 42));
    let turned = shop.reversed().write();
    assert!(first == run("turned", 2, turned.path(), 42));
    let other = run("other", 2, folder.path(), 43);
    assert!(first[0] != other[0]);
    // Written again over what is there.
    assert!(first == run("one", 2, folder.path(), 42));
}

#[test]
fn questions_are_worded_as_asked() {
    let mut shop = Shop::new();
    for id in 1..=40 {
        let facts = [("Fit", "Slim Fit"), ("Neck", "Round Neck")];
        shop.add(id, "Tshirts", "Navy Blue", &facts, &[]);
    }
    let folder = shop.write();
    let run = |wording: &str, hold_out: &[&str]| {
        let out = folder.path().join(format!("{wording}-{}", hold_out.len()));
        let options = PrepareOptions {
            wording: Wording::named(wording).unwrap(),
            hold_out: hold_out.iter().map(|&name| name.to_owned()).collect(),
            ..options(kaggle(folder.path()), &out)
        };
        prepare(&options, &Silent).unwrap();
        all_pairs(&out)
    };
    let asked = |pairs: &[(Split, pairs::Pair)], id: &str| -> Vec<(String, String)> {
        let of = pairs.iter().filter(|(_, pair)| pair.id == id);
        of.map(|(_, pair)| (pair.question.clone(), pair.answer.clone()))
            .collect()
    };
    let both = |question: &str, answer: &str| (question.to_owned(), answer.to_owned());
    assert_eq!(
        asked(&run("default", &[]), "7"),
        [
            both(
                "What is the fit of the T-shirt in this picture?",
                "Fit: Slim Fit"
            ),
            both(
                "What is the neck type of the T-shirt in this picture?",
                "Neck: Round Neck"
            ),
            both(
                "What is the colour of the T-shirt in this picture?",
                "Colour: Navy Blue"
            ),
        ]
    );
    assert_eq!(
        asked(&run("reference", &[]), "7"),
        [
            both(
                "What is the Fit of the shirt in this picture?",
                "Fit: Slim Fit"
            ),
            both(
                "What is the neck type of the shirt in this picture?",
                "Neck: Round Neck"
            ),
            both(
                "What is the colour of the shirt in this picture?",
                "baseColour: Navy Blue"
            ),
        ]
    );
    let mixed: BTreeSet<String> = run("mixed", &[])
        .into_iter()
        .map(|(_, pair)| pair.question)
        .collect();
    assert_eq!(
        mixed.len(),
        3 * Wording::named("mixed").unwrap().questions()
    );

    let held_out = run("reference", &["colour"]);
    let splits: BTreeSet<Split> = held_out
        .iter()
        .filter(|(_, pair)| pair.answer.starts_with("baseColour"))
        .map(|(split, _)| *split)
        .collect();
    assert_eq!(splits, BTreeSet::from([Split::Test]));
}

#[test]
fn what_is_na_is_asked_about_products_of_the_test_alone() {
    let mut shop = Shop::new();
    for id in 1..=60 {
        // Collars do not apply to tops, NA or not.
        let facts = match id % 3 {
            0 => vec![("Fabric", "NA"), ("Neck", "Other"), ("Collar", "NA")],
            1 => vec![("Fabric", "Cotton"), ("Neck", "Round Neck")],
            _ => vec![("Fabric", "Linen"), ("Neck", "NA"), ("Sleeve Length", "")],
        };
        // Nobody's sleeve styling is known, and one product's pattern and sleeves.
        let facts = match id {
            1 => vec![("Pattern", "Solid"), ("Sleeve Length", "Sleeveless")],
            _ => facts,
        };
        shop.add(id, "Tops", "Blue", &facts, &[]);
    }
    let folder = shop.write();
    let out = folder.path().join("out");
    let sound = PrepareOptions {
        hold_out: vec!["Neck".to_owned()],
        ..options(kaggle(folder.path()), &out)
    };
    let report = prepare(&sound, &Silent).unwrap();
    let missing = pairs::read(&out.join(NA_FILE)).unwrap();
    assert_eq!(report.without_value as usize, missing.len());
    let asked: BTreeSet<(String, String, String)> = missing
        .into_iter()
        .map(|pair| (pair.id, pair.question, pair.answer))
        .collect();
    let (fabric, neck) = (("fabric", "Fabric"), ("neck type", "Neck"));
    let not_given = [("pattern", "Pattern"), ("sleeve length", "Sleeve Length")];
    let products = products(&out);
    let tested: Vec<&String> = products
        .iter()
        .filter_map(|(id, (split, _))| (split == "test").then_some(id))
        .collect();
    assert_eq!(tested.len(), 6);
    let mut expected = BTreeSet::new();
    assert!(tested.iter().all(|id| *id != "1"));
    for id in tested {
        let said: &[(&str, &str)] = match id.parse::<usize>().unwrap() % 3 {
            0 => &[fabric, neck],
            1 => &[],
            _ => &[neck],
        };
        for (words, name) in said.iter().chain(&not_given) {
            let question = format!("What is the {words} of the top in this picture?");
            expected.insert((id.clone(), question, format!("{name}: NA")));
        }
    }
    assert_eq!(asked, expected);
    // Nothing of it is in the other files.
    let is_na = |pair: &pairs::Pair| pair.answer.ends_with(": NA");
    assert!(!all_pairs(&out).iter().any(|(_, pair)| is_na(pair)));
    // Without a test there is none, also none of an earlier run.
    let shares = Shares {
        validation: 0.1,
        test: 0.0,
    };
    prepare(&PrepareOptions { shares, ..sound }, &Silent).unwrap();
    assert!(!out.join(NA_FILE).exists());
}

#[test]
fn rare_words_synonyms_and_foreign_categories_are_counted() {
    let mut shop = Shop::new();
    for id in 1..=12 {
        let sleeves = if id % 2 == 0 {
            "No Sleeves"
        } else {
            "Sleeveless"
        };
        shop.add(
            id,
            "Tops",
            "Blue",
            &[("Sleeve Length", sleeves), ("Fit", "Slim Fit")],
            &[],
        );
    }
    shop.add(13, "Tops", "Teal", &[("Sleeve Length", "NA")], &[]);
    shop.add(14, "Watches", "Blue", &[], &[]);
    shop.add(15, "Jeans", "Blue", &[], &[]);
    let folder = shop.write();
    let out = folder.path().join("out");
    let options = PrepareOptions {
        min_count: 3,
        categories: vec!["Tops".to_owned()],
        ..options(kaggle(folder.path()), &out)
    };
    let report = prepare(&options, &Silent).unwrap();
    assert_eq!(report.products, 12);
    assert_eq!(
        report
            .dropped
            .count("a category outside the attribute set: Watches"),
        1
    );
    assert_eq!(
        report
            .dropped
            .count("a category that was not asked for: Jeans"),
        1
    );
    assert_eq!(report.dropped.count("no attribute left"), 1);
    let tally = |name: &str| {
        report
            .attributes
            .iter()
            .find(|tally| tally.name == name)
            .unwrap()
    };
    let sleeves = tally("Sleeve Length");
    assert_eq!(
        sleeves.values,
        BTreeMap::from([("Sleeveless".to_owned(), 12)])
    );
    assert_eq!(sleeves.synonyms["No Sleeves"].products, 6);
    assert_eq!(sleeves.not_available["NA"], 1);
    assert_eq!(tally("Fit").does_not_apply["top"], 12);
    assert_eq!(tally("Colour").rare["Teal"], 1);
    // The file says the same.
    let text = fs::read(out.join(REPORT_FILE)).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(
        json["attributes"][4]["synonyms"]["No Sleeves"]["value"],
        "Sleeveless"
    );
    assert_eq!(json["dropped"]["no attribute left"]["examples"][0], "13");
}

#[test]
fn every_flaw_of_a_real_catalogue_is_met() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("drawn");
    let draw = catalogue::DrawOptions {
        products: 26,
        seed: 7,
        flaws: true,
        out: source.clone(),
    };
    catalogue::draw(&draw, &Silent).unwrap();
    let out = folder.path().join("out");
    let options = PrepareOptions {
        photo_distance: Some(4),
        thumbnails: 2,
        ..options(kaggle(&source), &out)
    };
    let report = prepare(&options, &Silent).unwrap();
    assert_eq!(
        report.broken_lines.count("it has 11 fields, the header 10"),
        1
    );
    for reason in [
        "listed before",
        "its photo is missing",
        "its photo is \"undefined\" in images.csv",
        "its photo can't be decoded",
        "its record is missing",
        "its record ends early",
    ] {
        assert_eq!(
            report.dropped.count(reason),
            1,
            "{reason}: {:?}",
            report.dropped
        );
    }
    // 26 products but a broken line and five of the reasons above.
    assert_eq!(report.products, 20);
    let products = products(&out);
    // A record of another age is read like any other.
    let drawn: serde_json::Value =
        serde_json::from_slice(&fs::read(source.join("drawn.json")).unwrap()).unwrap();
    let id = |flaw: &str| drawn["flawed"][flaw][0].as_str().unwrap().to_owned();
    let answers = |id: &str| {
        all_pairs(&out)
            .iter()
            .filter(|(_, pair)| pair.id == id)
            .count()
    };
    assert!(answers(&id("flat record")) >= 4);
    assert_eq!(answers(&id("no attributes")), 1);
    // The photo that was saved again is found.
    let again: u64 = id("repeated photo").parse().unwrap();
    assert_eq!(
        products[&again.to_string()],
        products[&(again - 1).to_string()]
    );
    assert!(report.groups.links.similar_photos >= 1);

    let page = fs::read_to_string(out.join(PAGE_FILE)).unwrap();
    assert!(page.contains("data:image/jpeg;base64,"));
    for reason in ["its record ends early", "11 fields", "Sleeve Length"] {
        assert!(page.contains(reason), "{reason}");
    }
    let outside = [
        "http:", "https:", "//cdn", "<script", "<link", "@import", "url(",
    ];
    assert!(outside.iter().all(|text| !page.contains(text)));
}

#[test]
fn what_the_shop_wrote_is_escaped_in_the_page() {
    let mut shop = Shop::new();
    for id in 1..=6 {
        shop.add(
            id,
            "Tops",
            "<b>Blue</b>",
            &[("Pattern", "<script>x</script>")],
            &[],
        );
    }
    let folder = shop.write();
    let out = folder.path().join("out");
    prepare(&options(kaggle(folder.path()), &out), &Silent).unwrap();
    let page = fs::read_to_string(out.join(PAGE_FILE)).unwrap();
    assert!(!page.contains("<script") && !page.contains("<b>"));
    assert!(page.contains("&lt;script&gt;"));
}

/// The example of docs/catalogue.md.
#[test]
fn a_table_of_ones_own_is_read_by_a_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("photos")).unwrap();
    let mut table = String::from("sku,name,kind,material,color,model,photo,price\n");
    for number in 1..=20 {
        let model = number / 2;
        let color = if number % 2 == 0 { "navy" } else { "Off-White" };
        table += &format!(
            "A-{number},Tee {number},Tees,100% Cotton,{color},M{model},p{number}.png,9.90\n"
        );
        fs::write(
            at(&format!("photos/p{number}.png")),
            format!("photo {number}"),
        )
        .unwrap();
    }
    table += "A-21,No photo,Tees,Cotton,Navy,M9,none.png,9.90\nA-22,Broken,Tees\n";
    fs::write(at("products.csv"), table).unwrap();
    let example =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/catalogue.md"))
            .unwrap();
    let mapping = example
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    fs::write(at("mapping.toml"), mapping).unwrap();

    let source = Source::Table {
        file: at("products.csv"),
        images: at("photos"),
        mapping: Mapping::read(&at("mapping.toml")).unwrap(),
    };
    let out = at("out");
    let report = prepare(&options(source, &out), &Silent).unwrap();
    assert_eq!((report.products, report.broken_lines.total()), (20, 1));
    assert_eq!(report.dropped.count("its photo is missing"), 1);
    assert_eq!(report.groups.links.equal_styles, 9);
    let pairs = all_pairs(&out);
    let of = |id: &str| -> Vec<&pairs::Pair> {
        pairs
            .iter()
            .map(|(_, pair)| pair)
            .filter(|pair| pair.id == id)
            .collect()
    };
    let answers: Vec<&str> = of("A-4").iter().map(|pair| pair.answer.as_str()).collect();
    assert_eq!(answers, ["Fabric: Cotton", "Colour: Navy Blue"]);
    assert!(of("A-4")[0].question.contains("T-shirt"));
    let products = products(&out);
    assert_eq!(products["A-4"], products["A-5"]);
    // Training finds the photos by id.
    assert_eq!(
        fs::read_to_string(out.join("images/A-4.jpg")).unwrap(),
        "photo 4"
    );
}

#[test]
fn two_catalogues_become_one_with_their_photos_in_one_folder() {
    let (mut first, mut second) = (Shop::new(), Shop::new());
    for id in 1..=10 {
        first.add(id, "Shirts", "Blue", &[], &[]);
        second.add(id + 5, "Shirts", "Red", &[], &[]);
    }
    let (first, second) = (first.write(), second.write());
    let out = first.path().join("out");
    let mut options = options(kaggle(first.path()), &out);
    options.sources.push(kaggle(second.path()));
    for _ in 0..2 {
        let report = prepare(&options, &Silent).unwrap();
        assert_eq!(
            (report.products, report.dropped.count("listed before")),
            (15, 5)
        );
    }
    let answer = |id: &str| {
        let pairs = all_pairs(&out);
        pairs
            .into_iter()
            .find(|(_, pair)| pair.id == id)
            .unwrap()
            .1
            .answer
    };
    assert_eq!(
        (answer("8").as_str(), answer("12").as_str()),
        ("Colour: Blue", "Colour: Red")
    );
    assert_eq!(fs::read_dir(out.join("images")).unwrap().count(), 15);

    // The first one's own photos lie where they would be gathered.
    options.out = first.path().to_owned();
    let error = prepare(&options, &Silent).unwrap_err();
    assert!(error.to_string().contains("another folder"), "{error}");
    assert_eq!(
        fs::read_dir(first.path().join("images")).unwrap().count(),
        10
    );
}

#[test]
fn a_share_of_zero_leaves_no_file() {
    let folder = shop(20, &[false]).write();
    let out = folder.path().join("out");
    let options = options(kaggle(folder.path()), &out);
    prepare(&options, &Silent).unwrap();
    assert!(out.join("vqa_val.csv").exists());
    let shares = Shares {
        validation: 0.0,
        test: 0.25,
    };
    let report = prepare(&PrepareOptions { shares, ..options }, &Silent).unwrap();
    assert!(!out.join("vqa_val.csv").exists());
    let sizes: Vec<u64> = report.splits.iter().map(|split| split.products).collect();
    assert_eq!(sizes, [15, 0, 5]);
}

#[test]
fn what_can_not_be_prepared_says_what_to_mend() {
    let folder = shop(4, &[false]).write();
    let out = folder.path().join("out");
    let sound = options(kaggle(folder.path()), &out);
    let fails = |options: &PrepareOptions, says: &str| {
        let error = prepare(options, &Silent).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    fails(
        &PrepareOptions {
            hold_out: vec!["Taste".to_owned()],
            ..sound.clone()
        },
        "Sleeve Length",
    );
    fails(
        &PrepareOptions {
            categories: vec!["hats".to_owned()],
            ..sound.clone()
        },
        "T-shirt",
    );
    fails(
        &PrepareOptions {
            shares: Shares {
                validation: 0.5,
                test: 0.5,
            },
            ..sound.clone()
        },
        "leave something for training",
    );
    fails(
        &PrepareOptions {
            min_count: 100,
            ..sound.clone()
        },
        "4: no attribute left",
    );
    fails(
        &options(kaggle(&folder.path().join("none")), &out),
        "styles.csv",
    );
    // Nothing was written, and no empty folder is left.
    assert!(!out.exists());

    fs::write(folder.path().join("styles.csv"), "id,kind\n1,Shirts\n").unwrap();
    fails(&sound, "no column \"articleType\"; it has: id, kind");
    let mapping = folder.path().join("mapping.toml");
    fs::write(&mapping, "ident = \"id\"\n").unwrap();
    let error = Mapping::read(&mapping).unwrap_err();
    assert!(
        matches!(&error, Error::Mapping { reason, .. } if reason.contains("ident")),
        "{error}"
    );
}

#[test]
fn the_photographs_of_the_kaggle_data_set() {
    let Some(data) = kaggle_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = PrepareOptions {
        min_count: 5,
        ..options(kaggle(&data), folder.path())
    };
    let report: Report = prepare(&options, &Silent).unwrap();
    assert_eq!((report.lines, report.broken_lines.total()), (3705, 0));
    assert_eq!(report.products + report.dropped.total(), 3705);
    assert!(report.products > 3400);
    let tally = |name: &str| {
        report
            .attributes
            .iter()
            .find(|tally| tally.name == name)
            .unwrap()
    };
    assert_eq!(
        tally("Sleeve Length").synonyms["No Sleeves"].value,
        "Sleeveless"
    );
    assert!(report.groups.links.listed_colours > 600);
    let (train, test) = (&report.splits[0], &report.splits[2]);
    assert!(train.products.abs_diff(report.products * 8 / 10) <= 2);
    for (attribute, values) in &test.values {
        for (value, count) in values {
            // As far as it goes: a tenth of each frequent value is in the test.
            let total = tally(attribute).values[value];
            if total >= 100 {
                let wanted = total as f64 / 10.0;
                let near = (*count as f64 - wanted).abs() <= 0.25 * wanted + 1.0;
                assert!(near, "{attribute}: {value}: {count} of {total}");
            }
        }
    }
}
