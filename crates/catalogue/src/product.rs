//! Garments as data.
//!
//! Where an item stands for a value of an attribute, its `value` is that value's
//! name in the default attribute set; a test holds the two together.

/// A product of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// The id, which is also the stem of its picture's file name.
    pub id: String,
    /// A title as a shop would have it.
    pub title: String,
    /// What is drawn.
    pub garment: Garment,
}

/// A garment: everything that decides its picture but for chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garment {
    /// The kind of garment, which gives the cut.
    pub category: Category,
    /// How wide it is cut.
    pub fit: Fit,
    /// Collar or neck.
    pub neckline: Neckline,
    /// The sleeves.
    pub sleeves: Sleeves,
    /// What is on the cloth.
    pub pattern: Pattern,
    /// The main colour.
    pub colour: Colour,
    /// The second colour of a pattern or a trimming.
    pub accent: Colour,
}

impl Garment {
    /// What is visibly true of the garment: attribute names and values of the
    /// default attribute set, in its order. Fabric is left out, which a drawing
    /// does not show.
    #[must_use]
    pub fn visible_attributes(&self) -> Vec<(&'static str, &'static str)> {
        let mut facts = Vec::with_capacity(7);
        if matches!(self.category, Category::Shirt | Category::TShirt) {
            facts.push(("Fit", self.fit.value()));
        }
        if let Neckline::Collar(collar) = self.neckline {
            facts.push(("Collar", collar.value()));
        }
        facts.push(("Pattern", self.pattern.value()));
        facts.push(("Sleeve Length", self.sleeves.length.value()));
        if let Neckline::Neck(neck) = self.neckline {
            facts.push(("Neck", neck.value()));
        }
        facts.push(("Sleeve Styling", self.sleeves.styling.value()));
        facts.push(("Colour", self.colour.value()));
        facts
    }
}

/// Sleeves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sleeves {
    /// How long they are.
    pub length: SleeveLength,
    /// How they are made.
    pub styling: SleeveStyling,
}

/// What is around the neck: shirts have a collar, other garments a neck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neckline {
    /// A shirt's collar.
    Collar(Collar),
    /// The neck of any other garment.
    Neck(Neck),
}

/// An enumeration whose items are values of an attribute.
macro_rules! values {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $value:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$item_doc])* $item,)+
        }

        impl $name {
            /// All items, in order.
            pub const ALL: &[$name] = &[$($name::$item),+];

            /// The name in the default attribute set.
            #[must_use]
            pub const fn value(self) -> &'static str {
                match self {
                    $($name::$item => $value,)+
                }
            }
        }
    };
}

values! {
    /// The kind of garment, by the category's name.
    Category {
        /// Buttoned down the front, with a collar.
        Shirt = "shirt",
        /// Knitted, straight hem.
        TShirt = "T-shirt",
        /// Short and shaped.
        Top = "top",
        /// Long and straight, with slits at the sides.
        Kurta = "kurta",
        /// Longer than a top, widening to the hem.
        Tunic = "tunic",
        /// Waisted, with a wide skirt.
        Dress = "dress",
    }
}

values! {
    /// How wide a garment is cut.
    Fit {
        /// Straight sides.
        Regular = "Regular Fit",
        /// Narrow, with a waist.
        Slim = "Slim Fit",
    }
}

values! {
    /// The collar of a shirt.
    Collar {
        /// Points that stand apart.
        Spread = "Spread Collar",
        /// Points that are buttoned to the shirt.
        ButtonDown = "Button-Down Collar",
        /// Points that stand far apart.
        Cutaway = "Cutaway Collar",
        /// A band that stands up.
        Mandarin = "Mandarin Collar",
    }
}

values! {
    /// The neck of a garment that is no shirt.
    Neck {
        /// Close to the neck.
        Round = "Round Neck",
        /// Round, wide and deep.
        Scoop = "Scoop Neck",
        /// Two straight edges that meet.
        V = "V-Neck",
        /// Wide and shallow.
        Boat = "Boat Neck",
        /// Straight edges with corners.
        Square = "Square Neck",
        /// A soft collar over a short placket.
        Polo = "Polo Collar",
        /// A band that stands up.
        Mandarin = "Mandarin Collar",
    }
}

values! {
    /// How far sleeves reach.
    SleeveLength {
        /// No sleeves.
        Sleeveless = "Sleeveless",
        /// Above the elbow.
        Short = "Short Sleeves",
        /// Below the elbow.
        ThreeQuarter = "Three-Quarter Sleeves",
        /// To the wrist.
        Long = "Long Sleeves",
    }
}

values! {
    /// How sleeves are made.
    SleeveStyling {
        /// No sleeves.
        Sleeveless = "Sleeveless",
        /// Set in at the shoulder.
        Regular = "Regular Sleeves",
        /// Covering little more than the shoulder.
        Cap = "Cap Sleeves",
        /// Gathered at shoulder and end.
        Puff = "Puff Sleeves",
        /// Cut in one with the shoulder, up to the neck.
        Raglan = "Raglan Sleeves",
        /// Turned up and held by a tab.
        RollUp = "Roll-Up Sleeves",
    }
}

/// What is on the cloth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// One colour.
    Solid,
    /// Fine lines from top to bottom.
    VerticalStripes,
    /// Broad bands from side to side.
    HorizontalStripes,
    /// Crossing bands.
    Checks,
    /// Scattered flowers.
    Flowers,
    /// Dots in rows.
    Dots,
    /// Small leaves, as printed from a wooden block.
    BlockPrint,
    /// One picture on the chest.
    Graphic,
    /// Body in the main colour, sleeves and neck in the second.
    Colourblocked,
}

impl Pattern {
    /// All items, in order.
    pub const ALL: &[Pattern] = &[
        Pattern::Solid,
        Pattern::VerticalStripes,
        Pattern::HorizontalStripes,
        Pattern::Checks,
        Pattern::Flowers,
        Pattern::Dots,
        Pattern::BlockPrint,
        Pattern::Graphic,
        Pattern::Colourblocked,
    ];

    /// The name in the default attribute set.
    #[must_use]
    pub const fn value(self) -> &'static str {
        match self {
            Pattern::Solid => "Solid",
            Pattern::VerticalStripes | Pattern::HorizontalStripes => "Striped",
            Pattern::Checks => "Checked",
            Pattern::Flowers | Pattern::Dots | Pattern::BlockPrint | Pattern::Graphic => "Printed",
            Pattern::Colourblocked => "Colourblocked",
        }
    }
}

values! {
    /// The colour of cloth.
    Colour {
        /// Near black, so that folds still show.
        Black = "Black",
        /// Near white, so that folds still show.
        White = "White",
        /// Warm white.
        OffWhite = "Off White",
        /// Grey yarn of light and dark fibres.
        GreyMelange = "Grey Melange",
        /// A clear middle blue.
        Blue = "Blue",
        /// Dark blue.
        NavyBlue = "Navy Blue",
        /// Blue with much green.
        TurquoiseBlue = "Turquoise Blue",
        /// Dark blue-green.
        Teal = "Teal",
        /// A leaf's green.
        Green = "Green",
        /// A warm red.
        Red = "Red",
        /// Dark red.
        Maroon = "Maroon",
        /// A clear pink.
        Pink = "Pink",
        /// Dark yellow.
        Mustard = "Mustard",
        /// A sunny yellow.
        Yellow = "Yellow",
        /// Between red and blue.
        Purple = "Purple",
        /// Light warm brown.
        Beige = "Beige",
    }
}
