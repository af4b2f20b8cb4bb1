//! What drawings show, whatever the garment.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use catalogue::drawing::{HEIGHT, WIDTH, draw};
use catalogue::{
    Category, Collar, Colour, Fit, Garment, Neck, Neckline, Pattern, SleeveLength, SleeveStyling,
    Sleeves,
};

const SEED: u64 = 3;

fn plain(
    category: Category,
    neckline: Neckline,
    sleeves: (SleeveLength, SleeveStyling),
) -> Garment {
    Garment {
        category,
        fit: Fit::Regular,
        neckline,
        sleeves: Sleeves {
            length: sleeves.0,
            styling: sleeves.1,
        },
        pattern: Pattern::Solid,
        colour: Colour::Red,
        accent: Colour::White,
    }
}

/// The mean of a square of 2 × `reach` pixels.
fn mean(picture: &image::RgbImage, (x, y): (u32, u32), reach: u32) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for row in y - reach..y + reach {
        for column in x - reach..x + reach {
            let pixel = picture.get_pixel(column, row).0;
            sum = [0, 1, 2].map(|channel| sum[channel] + f64::from(pixel[channel]));
        }
    }
    sum.map(|total| total / f64::from(4 * reach * reach))
}

fn is_red([r, g, b]: [f64; 3]) -> bool {
    r > 120.0 && r > 2.0 * g && r > 2.0 * b
}

fn is_ground([r, g, b]: [f64; 3]) -> bool {
    r.min(g).min(b) > 180.0
}

/// Cuts that no sample has are drawn as well: the garment covers the middle,
/// the ground shows in the corners.
#[test]
fn unusual_combinations_are_drawn() {
    use {SleeveLength as Length, SleeveStyling as Styling};
    let long_raglan = (Length::Long, Styling::Raglan);
    let rolled = (Length::ThreeQuarter, Styling::RollUp);
    let puffed = (Length::Short, Styling::Puff);
    let none = (Length::Sleeveless, Styling::Sleeveless);
    for garment in [
        plain(Category::Shirt, Neckline::Collar(Collar::Cutaway), none),
        plain(Category::TShirt, Neckline::Neck(Neck::Boat), rolled),
        plain(Category::Kurta, Neckline::Neck(Neck::Square), puffed),
        plain(Category::Tunic, Neckline::Neck(Neck::Polo), long_raglan),
        plain(Category::Dress, Neckline::Neck(Neck::V), none),
    ] {
        let picture = draw(&garment, SEED, 0);
        assert_eq!(picture.dimensions(), (WIDTH, HEIGHT));
        assert!(is_red(mean(&picture, (270, 440), 8)), "{garment:?}");
        for corner in [(12, 12), (588, 12), (12, 788), (588, 788)] {
            assert!(
                is_ground(mean(&picture, corner, 8)),
                "{garment:?} {corner:?}"
            );
        }
    }
}

#[test]
fn sleeves_reach_as_far_as_their_length_says() {
    let red_rows = |length, styling| {
        let collar = Neckline::Collar(Collar::Spread);
        let picture = draw(&plain(Category::Shirt, collar, (length, styling)), SEED, 0);
        // Beside the body, where only a sleeve can be.
        (0..HEIGHT)
            .filter(|&row| (0..140).any(|x| is_red(picture.get_pixel(x, row).0.map(f64::from))))
            .count()
    };
    let none = red_rows(SleeveLength::Sleeveless, SleeveStyling::Sleeveless);
    let short = red_rows(SleeveLength::Short, SleeveStyling::Regular);
    let three_quarter = red_rows(SleeveLength::ThreeQuarter, SleeveStyling::Regular);
    let long = red_rows(SleeveLength::Long, SleeveStyling::Regular);
    assert_eq!(none, 0);
    assert!(
        short + 60 < three_quarter && three_quarter + 60 < long,
        "{short} {three_quarter} {long}"
    );
}

#[test]
fn a_pattern_changes_the_cloth() {
    let plain = plain(
        Category::TShirt,
        Neckline::Neck(Neck::Round),
        (SleeveLength::Short, SleeveStyling::Regular),
    );
    let solid = draw(&plain, SEED, 0);
    for pattern in [Pattern::VerticalStripes, Pattern::Dots, Pattern::Graphic] {
        let picture = draw(&Garment { pattern, ..plain }, SEED, 0);
        let chest = (200..400).flat_map(|x| (220..420).map(move |y| (x, y)));
        let changed = chest
            .filter(|&(x, y)| {
                let (a, b) = (solid.get_pixel(x, y).0, picture.get_pixel(x, y).0);
                a.iter().zip(b).any(|(a, b)| a.abs_diff(b) > 60)
            })
            .count();
        assert!(changed > 2_000, "{pattern:?}: {changed}");
    }
}
