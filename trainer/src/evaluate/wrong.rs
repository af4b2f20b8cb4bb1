//! The answers that were wrong, surest first.

use super::data::TestSet;
use super::systems::System;

/// A wrong free answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// The product's id.
    pub id: String,
    /// The attribute that was asked about.
    pub attribute: String,
    /// The bare question.
    pub question: String,
    /// What is true.
    pub truth: String,
    /// The answer as it was given.
    pub answer: String,
    /// How sure it was, in [0, 1].
    pub confidence: f64,
    /// The value where the answer is held to the vocabulary.
    pub held: Option<String>,
    /// How sure that one is, in [0, 1].
    pub held_confidence: Option<f64>,
}

/// The wrong free answers of a system about `items`, largest confidence first,
/// and how many there are in all.
#[must_use]
pub fn wrong_answers(
    test: &TestSet,
    items: &[usize],
    system: &System,
    at_most: usize,
) -> (Vec<Wrong>, usize) {
    let Some(free) = &system.free else {
        return (Vec::new(), 0);
    };
    let mut wrong: Vec<Wrong> = items
        .iter()
        .filter_map(|&place| {
            let item = &test.items[place];
            let (truth, judged) = (item.truth.as_ref()?, free[place].as_ref()?);
            let reply = system.replies.get(place)?.as_ref()?;
            let held = system.held[place].as_ref();
            (!judged.is(truth)).then(|| Wrong {
                id: test.products[item.product].clone(),
                attribute: test.attributes[item.attribute].clone(),
                question: item.question.clone(),
                truth: truth.clone(),
                answer: reply.text.clone(),
                confidence: judged.confidence,
                held: held.map(|held| held.said.label().to_owned()),
                held_confidence: held.map(|held| held.confidence),
            })
        })
        .collect();
    let count = wrong.len();
    // A stable sort: equally sure ones stay in the order of the data.
    wrong.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    wrong.truncate(at_most);
    (wrong, count)
}

#[cfg(test)]
mod tests {
    use super::super::ask::Reply;
    use super::super::data::Item;
    use super::super::judged::{Judged, Said};
    use super::super::systems::Kind;
    use super::*;

    #[test]
    fn the_surest_wrong_answers_come_first_and_right_ones_never() {
        let truths = [
            Some("Cotton"),
            Some("Silk"),
            Some("Silk"),
            None,
            Some("Silk"),
        ];
        let test = TestSet {
            products: vec!["7".to_owned()],
            attributes: vec!["Fabric".to_owned()],
            items: truths
                .iter()
                .map(|truth| Item {
                    product: 0,
                    attribute: 0,
                    question: "?".to_owned(),
                    truth: truth.map(str::to_owned),
                })
                .collect(),
        };
        let confidences = [0.99, 0.5, 0.8, 0.9, 0.95];
        let judged = |confidence| {
            Some(Judged {
                said: Said::Value("Cotton".to_owned()),
                confidence,
            })
        };
        let system = System {
            name: "model".to_owned(),
            kind: Kind::Model,
            source: String::new(),
            replies: confidences
                .iter()
                .map(|&confidence| {
                    Some(Reply {
                        text: "Fabric: pure cotton".to_owned(),
                        confidence,
                        choice: 0,
                        choice_confidence: 0.6,
                    })
                })
                .collect(),
            free: Some(confidences.iter().map(|&c| judged(c)).collect()),
            held: confidences.iter().map(|_| judged(0.6)).collect(),
        };
        let (wrong, count) = wrong_answers(&test, &[0, 1, 2, 3], &system, 1);
        assert_eq!(count, 2);
        assert_eq!(wrong.len(), 1);
        assert_eq!(
            (wrong[0].truth.as_str(), wrong[0].confidence),
            ("Silk", 0.8)
        );
        assert_eq!(wrong[0].answer, "Fabric: pure cotton");
        assert_eq!(wrong[0].held.as_deref(), Some("Cotton"));
    }
}
