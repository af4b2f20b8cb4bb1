//! Garments by chance.
//!
//! Only what a picture of 96 pixels shows is drawn: no button-down collars,
//! whose buttons and points are too small; raglan sleeves only where they have
//! another colour than the body.

use rand::Rng;
use rand::seq::IndexedRandom;

use crate::product::{
    Category, Collar, Colour, Fit, Garment, Neck, Neckline, Pattern, SleeveLength, SleeveStyling,
    Sleeves,
};

/// A garment by chance.
pub(super) fn any_garment(chance: &mut impl Rng) -> Garment {
    let category = any_category(chance);
    let has_fit = matches!(category, Category::Shirt | Category::TShirt);
    let fit = if has_fit && chance.random_bool(0.45) {
        Fit::Slim
    } else {
        Fit::Regular
    };
    let pattern = any_pattern(category, chance);
    let (colour, accent) = any_colours(pattern, chance);
    Garment {
        category,
        fit,
        neckline: any_neckline(category, chance),
        sleeves: any_sleeves(category, pattern, chance),
        pattern,
        colour,
        accent,
    }
}

/// The same garment in another colour.
pub(super) fn recoloured(garment: &Garment, chance: &mut impl Rng) -> Garment {
    loop {
        let (colour, accent) = any_colours(garment.pattern, chance);
        if colour != garment.colour {
            return Garment {
                colour,
                accent,
                ..*garment
            };
        }
    }
}

fn any_category(chance: &mut impl Rng) -> Category {
    match chance.random_range(0..100) {
        0..30 => Category::Shirt,
        30..58 => Category::TShirt,
        58..70 => Category::Top,
        70..80 => Category::Kurta,
        80..90 => Category::Tunic,
        _ => Category::Dress,
    }
}

fn any_neckline(category: Category, chance: &mut impl Rng) -> Neckline {
    let necks: &[Neck] = match category {
        Category::Shirt => {
            return Neckline::Collar(any(
                &[
                    Collar::Spread,
                    Collar::Spread,
                    Collar::Cutaway,
                    Collar::Mandarin,
                ],
                Collar::Spread,
                chance,
            ));
        }
        Category::TShirt => &[
            Neck::Round,
            Neck::Round,
            Neck::Polo,
            Neck::Polo,
            Neck::V,
            Neck::Scoop,
        ],
        Category::Kurta => &[Neck::Mandarin, Neck::Mandarin, Neck::Round, Neck::V],
        Category::Top | Category::Dress => {
            &[Neck::Round, Neck::Scoop, Neck::V, Neck::Boat, Neck::Square]
        }
        Category::Tunic => &[
            Neck::Round,
            Neck::V,
            Neck::Boat,
            Neck::Square,
            Neck::Mandarin,
        ],
    };
    Neckline::Neck(any(necks, Neck::Round, chance))
}

fn any_sleeves(category: Category, pattern: Pattern, chance: &mut impl Rng) -> Sleeves {
    use {SleeveLength as Length, SleeveStyling as Styling};
    let regular = [Length::Short, Length::Long, Length::ThreeQuarter];
    let mut choices: Vec<(Length, Styling)> =
        regular.map(|length| (length, Styling::Regular)).to_vec();
    match category {
        Category::Shirt => {
            choices.push((Length::Long, Styling::Regular));
            choices.push((Length::ThreeQuarter, Styling::RollUp));
        }
        Category::TShirt => {
            choices.push((Length::Short, Styling::Regular));
            choices.push((Length::Sleeveless, Styling::Sleeveless));
            if pattern == Pattern::Colourblocked {
                choices.extend(regular.map(|length| (length, Styling::Raglan)));
            }
        }
        Category::Kurta => choices.push((Length::Sleeveless, Styling::Sleeveless)),
        Category::Top | Category::Tunic | Category::Dress => choices.extend([
            (Length::Sleeveless, Styling::Sleeveless),
            (Length::Sleeveless, Styling::Sleeveless),
            (Length::Short, Styling::Cap),
            (Length::Short, Styling::Puff),
        ]),
    }
    let (length, styling) = any(&choices, (Length::Short, Styling::Regular), chance);
    Sleeves { length, styling }
}

fn any_pattern(category: Category, chance: &mut impl Rng) -> Pattern {
    let others: &[Pattern] = match category {
        Category::Shirt => &[
            Pattern::Checks,
            Pattern::Checks,
            Pattern::VerticalStripes,
            Pattern::Dots,
            Pattern::Flowers,
        ],
        Category::TShirt => &[
            Pattern::HorizontalStripes,
            Pattern::HorizontalStripes,
            Pattern::Graphic,
            Pattern::Graphic,
            Pattern::Colourblocked,
            Pattern::Colourblocked,
        ],
        _ => &[
            Pattern::Flowers,
            Pattern::BlockPrint,
            Pattern::Dots,
            Pattern::HorizontalStripes,
            Pattern::VerticalStripes,
            Pattern::Checks,
        ],
    };
    if chance.random_bool(0.35) {
        Pattern::Solid
    } else {
        any(others, Pattern::Solid, chance)
    }
}

/// The main colour and a second one that stands out from it.
fn any_colours(pattern: Pattern, chance: &mut impl Rng) -> (Colour, Colour) {
    // Half checks are of either colour: there only a strong colour among pale
    // ones is clearly the main one.
    let colours: Vec<Colour> = Colour::ALL
        .iter()
        .copied()
        .filter(|&colour| pattern != Pattern::Checks || !is_pale(colour))
        .collect();
    let colour = any(&colours, Colour::Blue, chance);
    let accents: &[Colour] = if is_pale(colour) {
        &[Colour::NavyBlue, Colour::Red, Colour::Teal, Colour::Black]
    } else {
        &[Colour::White, Colour::OffWhite]
    };
    (colour, any(accents, Colour::White, chance))
}

fn is_pale(colour: Colour) -> bool {
    matches!(
        colour,
        Colour::White | Colour::OffWhite | Colour::GreyMelange | Colour::Beige | Colour::Yellow
    )
}

fn any<T: Copy>(of: &[T], otherwise: T, chance: &mut impl Rng) -> T {
    of.choose(chance).copied().unwrap_or(otherwise)
}
