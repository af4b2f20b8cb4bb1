//! Which attributes are sure enough for a text.

use indexmap::IndexMap;

use super::Findings;

/// What becomes of an attribute that is not sure enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LowConfidence {
    /// The writer does not hear of it.
    LeaveOut,
    /// The writer is told that it is not sure.
    Hedge,
}

/// When an attribute is sure, and what becomes of the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certainty {
    /// The least confidence of an attribute that is sure, in [0, 1].
    pub floor: f64,
    /// What becomes of one with less.
    pub low: LowConfidence,
}

/// What is told of a product, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Name to value of what is sure. What has no confidence is sure: the endpoint gives none.
    pub sure: IndexMap<String, String>,
    /// Name to value of what is told as not sure.
    pub hedged: IndexMap<String, String>,
    /// The names of what is left out.
    pub left_out: Vec<String>,
}

impl Certainty {
    /// Parts what was found.
    pub fn part(self, findings: &Findings) -> Told {
        let mut told = Told::default();
        for (name, value) in &findings.attributes {
            let confidence = findings.confidence.get(name);
            let is_low = confidence.is_some_and(|confidence| *confidence < self.floor);
            match self.low {
                _ if !is_low => {
                    told.sure.insert(name.clone(), value.clone());
                }
                LowConfidence::Hedge => {
                    told.hedged.insert(name.clone(), value.clone());
                }
                LowConfidence::LeaveOut => told.left_out.push(name.clone()),
            }
        }
        told
    }
}

impl Told {
    /// Whether there is nothing to write about.
    pub fn is_empty(&self) -> bool {
        self.sure.is_empty() && self.hedged.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(floor: f64, low: LowConfidence) -> Told {
        let findings = Findings {
            attributes: [("Fabric", "Linen"), ("Fit", "Slim Fit"), ("Colour", "Blue")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter()
                .collect(),
            confidence: [("Fabric", 0.5), ("Fit", 0.49)]
                .map(|(name, confidence)| (name.to_owned(), confidence))
                .into_iter()
                .collect(),
            ..Findings::default()
        };
        Certainty { floor, low }.part(&findings)
    }

    fn names(map: &IndexMap<String, String>) -> Vec<&str> {
        map.keys().map(String::as_str).collect()
    }

    #[test]
    fn what_is_under_the_floor_is_left_out_or_hedged() {
        let told = part(0.5, LowConfidence::LeaveOut);
        assert_eq!(names(&told.sure), ["Fabric", "Colour"]);
        assert_eq!(told.left_out, ["Fit"]);
        assert!(told.hedged.is_empty());

        let told = part(1.0, LowConfidence::Hedge);
        assert_eq!(names(&told.sure), ["Colour"]);
        assert_eq!(names(&told.hedged), ["Fabric", "Fit"]);
        assert!(told.left_out.is_empty());
        assert!(!told.is_empty());
    }

    #[test]
    fn without_a_floor_everything_is_sure() {
        for low in [LowConfidence::LeaveOut, LowConfidence::Hedge] {
            assert_eq!(part(0.0, low).sure.len(), 3);
        }
        assert!(Told::default().is_empty());
    }
}
