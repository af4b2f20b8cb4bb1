//! What is wrong with some entries of a real catalogue.

/// A way in which a product of a drawn catalogue is spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// An unquoted comma in its line of `styles.csv`.
    BrokenLine,
    /// Its line of `styles.csv` stands there twice.
    RepeatedLine,
    /// No photograph.
    MissingPhoto,
    /// No photograph, and "undefined" in `images.csv`.
    UndefinedPhoto,
    /// A photograph that ends early.
    DamagedPhoto,
    /// The photograph of the product before, saved once more.
    RepeatedPhoto,
    /// No record.
    MissingRecord,
    /// A record that ends early.
    CutRecord,
    /// A record of another age: not under `data`, its id a text.
    FlatRecord,
    /// A record whose attributes are an empty list, as PHP writes an empty table.
    NoAttributes,
    /// A record in which every other attribute is "NA".
    NotAvailable,
    /// A record with other words for the same values.
    Synonyms,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Flaw; 12] = [
        Flaw::BrokenLine,
        Flaw::RepeatedLine,
        Flaw::MissingPhoto,
        Flaw::UndefinedPhoto,
        Flaw::DamagedPhoto,
        Flaw::RepeatedPhoto,
        Flaw::MissingRecord,
        Flaw::CutRecord,
        Flaw::FlatRecord,
        Flaw::NoAttributes,
        Flaw::NotAvailable,
        Flaw::Synonyms,
    ];

    /// The flaw of product `index` of a catalogue with flaws: every second one
    /// of the first 24 among 40, so that each flaw stands beside sound products
    /// and none is the recoloured one of a style.
    pub(super) fn of(index: u64) -> Option<Flaw> {
        let place = (index % 40) as usize;
        if place % 2 == 1 {
            return None;
        }
        Flaw::ALL.get(place / 2).copied()
    }

    /// The name under which [`DRAWN_FILE`](super::DRAWN_FILE) lists its products.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Flaw::BrokenLine => "broken line",
            Flaw::RepeatedLine => "repeated line",
            Flaw::MissingPhoto => "missing photo",
            Flaw::UndefinedPhoto => "undefined photo",
            Flaw::DamagedPhoto => "damaged photo",
            Flaw::RepeatedPhoto => "repeated photo",
            Flaw::MissingRecord => "missing record",
            Flaw::CutRecord => "cut record",
            Flaw::FlatRecord => "flat record",
            Flaw::NoAttributes => "no attributes",
            Flaw::NotAvailable => "not available",
            Flaw::Synonyms => "synonyms",
        }
    }

    /// Whether the product has no photograph.
    pub(super) fn leaves_no_photo(self) -> bool {
        matches!(self, Flaw::MissingPhoto | Flaw::UndefinedPhoto)
    }
}
