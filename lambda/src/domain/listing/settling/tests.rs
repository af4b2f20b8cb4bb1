use super::*;
use crate::domain::listing::search::searched;
use crate::domain::{Subject, Told};

const ALL: [(&str, &str); 8] = [
    ("Fabric", "Cotton"),
    ("Fit", "Regular Fit"),
    ("Collar", "Button-Down Collar"),
    ("Pattern", "Colourblocked"),
    ("Sleeve Length", "Three-Quarter Sleeves"),
    ("Neck", "Round Neck"),
    ("Sleeve Styling", "Regular Sleeves"),
    ("Colour", "Navy Blue"),
];

fn items(pairs: &[(&str, &str)]) -> Vec<Searched> {
    let told = Told {
        sure: pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..Told::default()
    };
    searched(Subject {
        noun: "shirt",
        told: &told,
    })
}

/// A listing that keeps every limit and names a shirt, and nothing else of it.
fn fields() -> Fields {
    Fields {
        title: "The Everyday Shirt that Goes with Everything in Your Wardrobe".into(),
        bullets: vec!["Goes with everything that you have.".into(); 5],
        description: "A shirt.".into(),
        search_keywords: [
            "shirt",
            "summer shirt",
            "office shirt",
            "nice shirt",
            "new shirt",
        ]
        .map(String::from)
        .into(),
        alt_text: "A shirt on a plain background".into(),
        meta_description:
            "A shirt for every day, which goes with everything that is in your wardrobe.".into(),
    }
}

fn assert_under_limits(fields: &Fields) {
    for (limit, texts) in fields.members() {
        assert!(texts.len() <= limit.most_texts, "{}", limit.name);
        for text in texts {
            assert!(length(text) <= limit.longest, "{}: {text}", limit.name);
        }
    }
}

#[test]
fn what_holds_everything_is_left_as_it_is() {
    let (settled, changes) = settle(fields(), &items(&[]));
    assert_eq!(settled, fields());
    assert_eq!(changes, Changes::default());
}

#[test]
fn searched_words_are_added_where_they_are_missing() {
    let (settled, changes) = settle(
        fields(),
        &items(&[("Fabric", "Cotton"), ("Colour", "Blue")]),
    );
    assert_eq!(
        settled.title,
        "The Everyday Shirt that Goes with Everything in Your Wardrobe, Cotton, Blue"
    );
    let meta = &settled.meta_description;
    assert!(meta.ends_with("wardrobe. Cotton. Blue."), "{meta}");
    assert_eq!(settled.search_keywords[5..], ["cotton shirt", "blue shirt"]);
    for name in ["title", "meta_description", "search_keywords"] {
        assert_eq!(changes.completed[name], ["Fabric", "Colour"]);
    }
    assert!(changes.without.is_empty());
    assert!(!changes.completed.contains_key("bullets"));
    assert_eq!(settled.description, "A shirt.");
    assert_under_limits(&settled);
}

#[test]
fn values_go_before_words_where_there_is_no_room_behind_them() {
    let pairs = [("Fabric", "Cotton"), ("Sleeve Length", "Long Sleeves")];
    let (settled, changes) = settle(fields(), &items(&pairs));
    assert_eq!(
        settled.title,
        "Cotton Long Sleeves Shirt – The Everyday Shirt that Goes with Everything in Your"
    );
    assert_eq!(changes.completed["title"], ["Fabric", "Sleeve Length"]);
    assert!(changes.short.is_empty() && changes.without.is_empty());
    assert_eq!(settled.search_keywords[6], "long sleeve shirt");
    assert_under_limits(&settled);
}

#[test]
fn where_there_is_no_room_the_values_themselves_are_the_text() {
    let mut long = fields();
    long.title = "A Shirt that Goes with Everything that Anybody Ever Had in Any Wardrobe".into();
    let (settled, changes) = settle(long, &items(&ALL));
    assert!(
        settled.title.starts_with("Cotton Regular Fit"),
        "{}",
        settled.title
    );
    assert!(settled.title.ends_with(" Shirt"), "{}", settled.title);
    let named = changes.completed["title"].len() + changes.without["title"].len();
    assert_eq!(named, ALL.len());
    assert!(changes.completed["title"].len() >= 4, "{changes:?}");
    assert_under_limits(&settled);
}

#[test]
fn too_much_is_cut_at_words() {
    let mut much = fields();
    much.title = "Shirt ".repeat(20);
    much.alt_text = format!("{} and", "a shirt, ".repeat(20));
    much.bullets = vec!["word ".repeat(60); 7];
    much.search_keywords = (0..20).map(|number| format!("shirt {number}")).collect();
    much.search_keywords[3] = "shirt ".repeat(20);
    let (settled, changes) = settle(much, &items(&[]));
    assert_eq!(
        changes.cut,
        ["title", "alt_text", "bullets", "search_keywords"]
    );
    assert!(settled.title.ends_with("Shirt"), "{}", settled.title);
    assert!(settled.alt_text.ends_with("shirt"), "{}", settled.alt_text);
    assert_eq!(settled.bullets.len(), 5);
    assert_eq!(settled.search_keywords.len(), 14);
    assert_under_limits(&settled);
}

#[test]
fn text_without_spaces_is_cut_between_characters() {
    assert_eq!(cut_at_a_word("青いシャツ", 5), "青い");
    assert_eq!(cut_at_a_word("Überlangeswort", 5), "Überl");
    assert_eq!(cut_at_a_word("a bc def", 7), "a bc");
    assert_eq!(cut_at_a_word("a bc, def", 7), "a bc");
}

#[test]
fn too_few_points_are_completed_from_the_attributes() {
    let mut few = fields();
    few.bullets = vec!["Cotton that breathes.".into(), "A round neck.".into()];
    let (settled, changes) = settle(few, &items(&ALL));
    assert_eq!(settled.bullets.len(), 5);
    assert_eq!(settled.bullets[2], "Fit: Regular Fit");
    assert_eq!(changes.completed["bullets"], ["Fit", "Collar", "Pattern"]);
    assert!(!changes.short.contains(&"bullets"));
}

#[test]
fn what_stays_too_short_is_said() {
    let mut short = fields();
    short.title = "Shirt".into();
    short.bullets.clear();
    short.search_keywords.truncate(2);
    let (settled, changes) = settle(short, &items(&[("Fabric", "Cotton")]));
    assert_eq!(changes.short, ["title", "bullets", "search_keywords"]);
    assert_eq!(settled.title, "Shirt, Cotton");
    assert_eq!(settled.bullets, ["Fabric: Cotton"]);
}

#[test]
fn many_keywords_give_way_to_those_that_are_searched_for() {
    let mut many = fields();
    many.search_keywords = (0..15).map(|number| format!("shirt {number}")).collect();
    let (settled, changes) = settle(many, &items(&ALL));
    assert_eq!(settled.search_keywords.len(), 15);
    assert_eq!(settled.search_keywords[0], "shirt 0");
    assert!(
        settled
            .search_keywords
            .contains(&"navy blue shirt".to_owned())
    );
    assert_eq!(changes.completed["search_keywords"].len(), ALL.len());
    assert!(missing(&items(&ALL), &settled.search_keywords).is_empty());
}

#[test]
fn without_items_limits_are_kept_and_nothing_is_added() {
    let mut german = fields();
    german.title = "Hemd ".repeat(40);
    let (settled, changes) = settle(german, &[]);
    assert!(changes.completed.is_empty());
    assert_eq!(changes.cut, ["title"]);
    assert_under_limits(&settled);
}

#[test]
fn endless_text_takes_no_endless_time() {
    let mut endless = fields();
    endless.description = "word ".repeat(100_000);
    let (settled, changes) = settle(endless, &items(&ALL));
    assert_eq!(changes.cut, ["description"]);
    assert_under_limits(&settled);
}
