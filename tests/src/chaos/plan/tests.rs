use super::*;

fn place(plan: &Plan, step: Step) -> usize {
    plan.steps.iter().position(|other| *other == step).unwrap()
}

/// Where a photo is first told of by the product's own way.
fn told(plan: &Plan, version: Version) -> usize {
    let channel = plan.products[version.product].channel;
    place(plan, Step::Announce(Message { channel, version }))
}

#[test]
fn the_same_seed_plans_the_same_and_another_does_not() {
    assert_eq!(Plan::new(100, 5, 7), Plan::new(100, 5, 7));
    assert_ne!(Plan::new(100, 5, 7), Plan::new(100, 5, 8));
}

#[test]
fn every_photo_is_told_of_and_not_before_it_is_there() {
    let plan = Plan::new(500, 4, 1);
    for product in 0..500 {
        for version in plan.versions(product) {
            for channel in plan.products[product].channels() {
                let told = place(&plan, Step::Announce(Message { channel, version }));
                if plan.photo(version) != Photo::Missing {
                    assert!(place(&plan, Step::Upload(version)) < told, "{version:?}");
                }
            }
        }
        let uploads: Vec<Version> = plan
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Upload(version) if version.product == product => Some(*version),
                _ => None,
            })
            .collect();
        assert!(uploads.is_sorted(), "{uploads:?}");
    }
}

#[test]
fn a_small_plan_has_every_life_and_every_way_of_delivery() {
    let plan = Plan::new(FEWEST_PRODUCTS * 3, 4, 7);
    let has = |wanted: fn(&Planned) -> bool| plan.products.iter().any(wanted);
    assert!(has(|product| product.photos == [Photo::Missing]));
    assert!(has(|product| product.photos.len() == 1
        && matches!(product.photos[0], Photo::Cut { .. } | Photo::Text)));
    assert!(has(|product| product.photos.len() == 2
        && product.photos[0].picture().is_none()
        && product.photos[1].picture().is_some()));
    assert!(has(|product| product.photos.len() == 2
        && product.photos[0].picture().is_some()
        && product.photos[1].picture().is_none()));
    assert!(has(|product| product.channel.is_queue()));
    assert!(has(|product| !product.channel.is_queue()));
    // Some photo is told of after a newer one of its product.
    let late = (0..plan.products.len()).any(|product| {
        let newest = told(&plan, plan.newest(product));
        let mut older = plan.versions(product).rev().skip(1);
        older.any(|version| told(&plan, version) > newest)
    });
    assert!(late);
    let (versions, duplicates) = plan.counts();
    assert!(versions > plan.products.len() && duplicates > 0);
}

#[test]
fn some_products_have_photos_under_two_keys_and_others_replace_theirs() {
    let plan = Plan::new(200, 4, 7);
    let keys = |product: usize| {
        let keys = plan.versions(product).map(|version| plan.key(version));
        keys.collect::<std::collections::BTreeSet<String>>().len()
    };
    let several = (0..200).filter(|&product| plan.newest(product).number > 1);
    let (two, one): (Vec<usize>, Vec<usize>) = several.partition(|&product| keys(product) == 2);
    assert!(!two.is_empty() && !one.is_empty());
    assert!(
        two.iter()
            .all(|&product| plan.products[product].has_two_keys)
    );
}

#[test]
fn some_products_are_told_of_by_two_ways_and_some_within_a_second() {
    let plan = Plan::new(2_000, 4, 7);
    let seconds = |product: usize| {
        let seconds = plan
            .versions(product)
            .map(|version| plan.uploaded_ms(version) / 1_000);
        seconds.collect::<std::collections::BTreeSet<u64>>().len()
    };
    let several = |product: &usize| plan.newest(*product).number > 1;
    let has = |wanted: fn(Channel, Option<Channel>) -> bool, within: bool| {
        let mut products = (0..2_000).filter(several);
        products.any(|product| {
            let Planned {
                channel, beside, ..
            } = plan.products[product];
            wanted(channel, beside) && (seconds(product) == 1) == within
        })
    };
    for within in [true, false] {
        let both = |channel: Channel, beside: Option<Channel>| {
            channel.is_coarse() && beside == Some(Channel::SqsS3)
        };
        assert!(has(both, within));
        let own = |channel: Channel, beside: Option<Channel>| {
            !channel.is_coarse() && beside == Some(Channel::SqsOwn)
        };
        assert!(has(own, within));
        assert!(has(|_, beside| beside.is_none(), within));
    }
    let undecided = |channel: Channel, beside: Option<Channel>| {
        channel.is_coarse() && beside == Some(Channel::SqsOwn)
    };
    assert!(has(undecided, false) && !has(undecided, true));
}

#[test]
fn the_photos_of_a_product_have_their_times_in_their_order() {
    let plan = Plan::new(100, 4, 7);
    for product in 0..100 {
        let times: Vec<u64> = plan
            .versions(product)
            .map(|version| plan.uploaded_ms(version))
            .collect();
        assert!(times.is_sorted_by(|one, other| one < other), "{times:?}");
    }
}

#[test]
fn photos_that_follow_each_other_differ() {
    for planned in Plan::new(1_000, 2, 3).products {
        for pair in planned.photos.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
    }
}

#[test]
fn names_are_read_back() {
    assert_eq!(product_named(&product_id(1_234)), Some(1_234));
    for other in ["chaos-1234", "chaos-", "drawn-01", "chaos-+0001"] {
        assert_eq!(product_named(other), None, "{other}");
    }
}
