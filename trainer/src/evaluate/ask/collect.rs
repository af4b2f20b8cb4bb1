//! All questions of an evaluation, put to one answerer.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, ensure};
use catalogue::Progress;

use super::{Answerer, Asked, PhotoOutcome, PhotoQuestions, Reply};
use crate::evaluate::data::{TestSet, read_photo};

/// What an answerer said.
#[derive(Debug, Default)]
pub struct Collected {
    /// By item; nothing where the photo can't be used.
    pub replies: Vec<Option<Reply>>,
    /// By product, where the answerer knows its features.
    pub features: BTreeMap<usize, Vec<f32>>,
    /// Products whose photo can't be used, and why.
    pub unusable: BTreeMap<usize, String>,
}

/// Asks everything, so many questions at a time. A photo is read, sent and
/// encoded once for all its questions.
///
/// # Errors
/// When the answerer fails.
pub fn collect(
    answerer: &mut dyn Answerer,
    test: &TestSet,
    images: &Path,
    batch_size: usize,
    progress: &dyn Progress,
) -> Result<Collected> {
    let mut collected = Collected {
        replies: vec![None; test.items.len()],
        ..Collected::default()
    };
    let mut batch = Batch::default();
    for (product, items) in test.items_by_product().into_iter().enumerate() {
        match read_photo(images, &test.products[product]) {
            Err(reason) => {
                collected.unusable.insert(product, reason);
                progress.advance(1);
            }
            Ok(photo) => {
                if !batch.items.is_empty() && batch.questions + items.len() > batch_size {
                    batch.ask(answerer, test, &mut collected, progress)?;
                }
                batch.add(test, product, photo, items);
            }
        }
    }
    batch.ask(answerer, test, &mut collected, progress)?;
    Ok(collected)
}

/// Photos that are asked about together.
#[derive(Default)]
struct Batch<'a> {
    photos: Vec<PhotoQuestions<'a>>,
    /// Product and items of each.
    items: Vec<(usize, Vec<usize>)>,
    questions: usize,
}

impl<'a> Batch<'a> {
    fn add(&mut self, test: &'a TestSet, product: usize, photo: Vec<u8>, items: Vec<usize>) {
        let asked = |&item: &usize| Asked {
            question: &test.items[item].question,
            attribute: test.items[item].attribute,
        };
        self.questions += items.len();
        self.photos.push(PhotoQuestions {
            photo,
            questions: items.iter().map(asked).collect(),
        });
        self.items.push((product, items));
    }

    fn ask(
        &mut self,
        answerer: &mut dyn Answerer,
        test: &TestSet,
        collected: &mut Collected,
        progress: &dyn Progress,
    ) -> Result<()> {
        let Batch { photos, items, .. } = std::mem::take(self);
        if photos.is_empty() {
            return Ok(());
        }
        let outcomes = answerer.answer(&photos)?;
        ensure!(
            outcomes.len() == photos.len(),
            "{} photos were asked about and {} answered",
            photos.len(),
            outcomes.len()
        );
        for ((product, items), outcome) in items.into_iter().zip(outcomes) {
            match outcome {
                PhotoOutcome::Unusable(reason) => {
                    collected.unusable.insert(product, reason);
                }
                PhotoOutcome::Answered { replies, features } => {
                    ensure!(
                        replies.len() == items.len(),
                        "{} questions about {} were asked and {} answered",
                        items.len(),
                        test.products[product],
                        replies.len()
                    );
                    for (item, reply) in items.into_iter().zip(replies) {
                        collected.replies[item] = Some(reply);
                    }
                    if let Some(features) = features {
                        collected.features.insert(product, features);
                    }
                }
            }
            progress.advance(1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use catalogue::Silent;

    use super::*;
    use crate::evaluate::data::Item;

    /// Repeats the question; knows no photo that is empty.
    #[derive(Default)]
    struct Parrot {
        batches: Vec<usize>,
    }

    impl Answerer for Parrot {
        fn answer(&mut self, photos: &[PhotoQuestions<'_>]) -> Result<Vec<PhotoOutcome>> {
            self.batches.push(photos.len());
            let outcome = |photo: &PhotoQuestions<'_>| {
                if photo.photo.is_empty() {
                    return PhotoOutcome::Unusable("it is empty".to_owned());
                }
                let reply = |asked: &Asked<'_>| Reply {
                    text: asked.question.to_owned(),
                    confidence: 0.5,
                    choice: asked.attribute,
                    choice_confidence: 0.25,
                };
                PhotoOutcome::Answered {
                    replies: photo.questions.iter().map(reply).collect(),
                    features: Some(vec![f32::from(photo.photo[0])]),
                }
            };
            Ok(photos.iter().map(outcome).collect())
        }
    }

    #[test]
    fn every_question_has_its_answer_and_photos_without_use_their_reason() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("a.jpg", "1"), ("b.png", ""), ("d.webp", "4")] {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let item = |product, attribute| Item {
            product,
            attribute,
            question: format!("{product}{attribute}"),
            truth: None,
        };
        let test = TestSet {
            products: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            attributes: vec![],
            items: vec![item(0, 0), item(0, 1), item(1, 0), item(2, 0), item(3, 1)],
        };
        let mut parrot = Parrot::default();
        let collected = collect(&mut parrot, &test, folder.path(), 3, &Silent).unwrap();
        assert_eq!(parrot.batches, [2, 1]);
        let texts: Vec<Option<&str>> = collected
            .replies
            .iter()
            .map(|reply| reply.as_ref().map(|reply| reply.text.as_str()))
            .collect();
        assert_eq!(texts, [Some("00"), Some("01"), None, None, Some("31")]);
        assert_eq!(collected.unusable[&1], "it is empty");
        assert!(collected.unusable[&2].contains("no photo c.jpg"));
        assert_eq!(
            collected.features.keys().copied().collect::<Vec<_>>(),
            [0, 3]
        );
    }
}
