//! The garments of the samples.

use crate::product::{
    Category, Collar, Colour, Fit, Garment, Neck, Neckline, Pattern, Product, SleeveLength,
    SleeveStyling, Sleeves,
};

/// The twelve products.
#[must_use]
pub fn products() -> Vec<Product> {
    let garments = [
        (
            "Blue Striped Shirt with Spread Collar",
            blue_striped_shirt(),
        ),
        (
            "Red Checked Shirt with Roll-Up Sleeves",
            red_checked_shirt(),
        ),
        ("White Shirt with Mandarin Collar", white_mandarin_shirt()),
        ("Navy Blue Short-Sleeved Shirt", navy_short_shirt()),
        ("Black T-Shirt with Sunset Print", black_graphic_t_shirt()),
        ("Green Striped Polo T-Shirt", green_polo_t_shirt()),
        ("Grey Melange Raglan T-Shirt", grey_raglan_t_shirt()),
        ("Pink Sleeveless Top with Flowers", pink_flowered_top()),
        ("Mustard Puff-Sleeved Top", mustard_puff_top()),
        ("Maroon Kurta with Embroidered Placket", maroon_kurta()),
        ("Turquoise Blue Block-Printed Tunic", turquoise_tunic()),
        ("Purple Dotted Dress with Cap Sleeves", purple_dress()),
    ];
    let numbered = garments.into_iter().zip(1..);
    numbered
        .map(|((title, garment), number)| Product {
            id: format!("drawn-{number:02}"),
            title: title.to_owned(),
            garment,
        })
        .collect()
}

fn shirt(collar: Collar, fit: Fit, sleeves: Sleeves) -> Garment {
    Garment {
        category: Category::Shirt,
        fit,
        neckline: Neckline::Collar(collar),
        sleeves,
        pattern: Pattern::Solid,
        colour: Colour::White,
        accent: Colour::White,
    }
}

fn regular(length: SleeveLength) -> Sleeves {
    Sleeves {
        length,
        styling: SleeveStyling::Regular,
    }
}

fn blue_striped_shirt() -> Garment {
    Garment {
        pattern: Pattern::VerticalStripes,
        colour: Colour::Blue,
        ..shirt(Collar::Spread, Fit::Regular, regular(SleeveLength::Long))
    }
}

fn red_checked_shirt() -> Garment {
    let rolled = Sleeves {
        length: SleeveLength::ThreeQuarter,
        styling: SleeveStyling::RollUp,
    };
    Garment {
        pattern: Pattern::Checks,
        colour: Colour::Red,
        accent: Colour::NavyBlue,
        ..shirt(Collar::ButtonDown, Fit::Regular, rolled)
    }
}

fn white_mandarin_shirt() -> Garment {
    shirt(Collar::Mandarin, Fit::Slim, regular(SleeveLength::Long))
}

fn navy_short_shirt() -> Garment {
    Garment {
        colour: Colour::NavyBlue,
        ..shirt(Collar::Cutaway, Fit::Slim, regular(SleeveLength::Short))
    }
}

fn black_graphic_t_shirt() -> Garment {
    Garment {
        category: Category::TShirt,
        fit: Fit::Regular,
        neckline: Neckline::Neck(Neck::Round),
        sleeves: regular(SleeveLength::Short),
        pattern: Pattern::Graphic,
        colour: Colour::Black,
        accent: Colour::Red,
    }
}

fn green_polo_t_shirt() -> Garment {
    Garment {
        category: Category::TShirt,
        fit: Fit::Regular,
        neckline: Neckline::Neck(Neck::Polo),
        sleeves: regular(SleeveLength::Short),
        pattern: Pattern::HorizontalStripes,
        colour: Colour::Green,
        accent: Colour::OffWhite,
    }
}

fn grey_raglan_t_shirt() -> Garment {
    Garment {
        category: Category::TShirt,
        fit: Fit::Slim,
        neckline: Neckline::Neck(Neck::Round),
        sleeves: Sleeves {
            length: SleeveLength::Long,
            styling: SleeveStyling::Raglan,
        },
        pattern: Pattern::Colourblocked,
        colour: Colour::GreyMelange,
        accent: Colour::Teal,
    }
}

fn pink_flowered_top() -> Garment {
    Garment {
        category: Category::Top,
        fit: Fit::Regular,
        neckline: Neckline::Neck(Neck::Scoop),
        sleeves: Sleeves {
            length: SleeveLength::Sleeveless,
            styling: SleeveStyling::Sleeveless,
        },
        pattern: Pattern::Flowers,
        colour: Colour::Pink,
        accent: Colour::White,
    }
}

fn mustard_puff_top() -> Garment {
    Garment {
        category: Category::Top,
        fit: Fit::Regular,
        neckline: Neckline::Neck(Neck::Square),
        sleeves: Sleeves {
            length: SleeveLength::Short,
            styling: SleeveStyling::Puff,
        },
        pattern: Pattern::Solid,
        colour: Colour::Mustard,
        accent: Colour::Mustard,
    }
}

fn maroon_kurta() -> Garment {
    Garment {
        category: Category::Kurta,
        fit: Fit::Regular,
        neckline: Neckline::Neck(Neck::Mandarin),
        sleeves: regular(SleeveLength::Long),
        pattern: Pattern::Solid,
        colour: Colour::Maroon,
        accent: Colour::Mustard,
    }
}

fn turquoise_tunic() -> Garment {
    Garment {
        category: Category::Tunic,
        fit: Fit::Regular,
        neckline: Neckline::Neck(Neck::V),
        sleeves: regular(SleeveLength::ThreeQuarter),
        pattern: Pattern::BlockPrint,
        colour: Colour::TurquoiseBlue,
        accent: Colour::OffWhite,
    }
}

fn purple_dress() -> Garment {
    Garment {
        category: Category::Dress,
        fit: Fit::Regular,
        neckline: Neckline::Neck(Neck::Boat),
        sleeves: Sleeves {
            length: SleeveLength::Short,
            styling: SleeveStyling::Cap,
        },
        pattern: Pattern::Dots,
        colour: Colour::Purple,
        accent: Colour::White,
    }
}
