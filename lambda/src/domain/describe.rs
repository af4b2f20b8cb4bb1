//! The one thing that the function does.

use std::sync::Arc;
use std::time::Instant;

use attributes::AttributeSet;

use super::audience::Heard;
use super::{
    Answers, AskError, AttributeModel, Audience, Certainty, Deadline, DescribeRequest, Describer,
    DescriberError, Findings, Fitted, Format, MAX_PHOTO_BYTES, Photo, PhotoError, PhotoSource,
    ProductDescription, Progress, QuestionPlan, Spent, Store, StoreError, Subject, Text, TextCheck,
    Told, Unfaithful, UnknownAttribute, Wording, fit, in_ms, write,
};

/// What describing takes.
#[derive(Clone)]
pub struct Services {
    /// The attributes to ask about.
    pub attribute_set: AttributeSet,
    /// The category of a request that names none.
    pub default_category: String,
    /// What is written for a request that names no format.
    pub default_format: Format,
    /// Answers the questions.
    pub model: Arc<dyn AttributeModel>,
    /// When an attribute is sure enough to be written about.
    pub certainty: Certainty,
    /// What the writer is told.
    pub wording: Wording,
    /// Writes the text.
    pub describer: Arc<dyn Describer>,
    /// Checks it.
    pub check: Arc<TextCheck>,
    /// What becomes of a text that fails the check.
    pub unfaithful: Unfaithful,
    /// Has the photos.
    pub store: Arc<dyn Store>,
}

/// Why a product is not described.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DescribeError {
    /// The request names an attribute that there is not.
    #[error(transparent)]
    UnknownAttribute(#[from] UnknownAttribute),
    /// The photo can't be used.
    #[error(transparent)]
    Photo(#[from] PhotoError),
    /// The photo can't be read from where it is.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No question was answered.
    #[error("{error}")]
    Attributes {
        /// What the endpoint had to say.
        error: AskError,
        /// The attributes that were asked about.
        missing: Vec<String>,
    },
    /// All questions were answered, none to the point.
    #[error(
        "the endpoint recognised none of {} in the photo: send one that shows the product",
        .missing.join(", ")
    )]
    NothingRecognised {
        /// The attributes that were asked about.
        missing: Vec<String>,
        /// Sentences about what may be why: an unknown category, questions without an answer.
        warnings: Vec<String>,
    },
    /// Some were answered to the point, none of them with enough confidence.
    #[error(
        "the endpoint is not sure enough of any attribute in the photo (CONFIDENCE_FLOOR): send \
         one that shows the product better"
    )]
    NothingCertain {
        /// What is known with less confidence.
        findings: Box<Findings>,
    },
    /// The attributes are known, but there is no text.
    #[error("{error}")]
    Description {
        /// What the describer had to say.
        error: DescriberError,
        /// What is known all the same.
        findings: Box<Findings>,
    },
}

/// Describes one product by the deadline: reads its photo, asks about its
/// attributes, has the text written and checked.
pub async fn describe_product(
    services: &Services,
    request: DescribeRequest,
    deadline: Deadline,
) -> Result<ProductDescription, DescribeError> {
    describe_product_aloud(services, request, None, deadline).await
}

/// The same, of which somebody may hear while it is done: first what is known of the
/// product, then the text.
pub async fn describe_product_aloud(
    services: &Services,
    request: DescribeRequest,
    audience: Option<&dyn Audience>,
    deadline: Deadline,
) -> Result<ProductDescription, DescribeError> {
    let plan = QuestionPlan::new(
        &services.attribute_set,
        &services.default_category,
        &request,
    )?;
    let start = Instant::now();
    let read = read_photo(services, request.photo, deadline).await;
    Progress::note(|progress| progress.photo_ms = Some(in_ms(start.elapsed())));
    let photo = read?;

    let start = Instant::now();
    let found = find_attributes(services, photo, &plan, deadline.of_questions()).await;
    Progress::note(|progress| progress.attributes_ms = Some(in_ms(start.elapsed())));
    let findings = found?;

    let start = Instant::now();
    let told = services.certainty.part(&findings);
    Progress::note(|progress| progress.answers = Some(Answers::of(&findings, &told)));
    if told.is_empty() {
        let findings = Box::new(findings);
        return Err(DescribeError::NothingCertain { findings });
    }
    if let Some(audience) = audience {
        audience.attributes(&findings);
    }
    let wording = &services.wording;
    let prompt = match request.format.unwrap_or(services.default_format) {
        Format::Description => wording.prompt(&plan.noun, &told.sure, &told.hedged),
        Format::Listing => wording.listing_prompt(&plan.noun, &told.sure, &told.hedged),
    };
    let subject = Subject {
        noun: &plan.noun,
        told: &told,
    };
    let describer = services.describer.as_ref();
    let heard = audience.map(|audience| Heard {
        describer,
        audience,
    });
    let describer: &dyn Describer = match &heard {
        Some(heard) => heard,
        None => describer,
    };
    let outcome = write(describer, &services.check, subject, &prompt, deadline).await;
    Progress::note(|progress| progress.description_ms = Some(in_ms(start.elapsed())));
    let checked = match outcome {
        Ok(checked) => checked,
        Err(error) => {
            Progress::note(|progress| {
                progress.spent = error.spent().map(|(model, usage)| Spent {
                    model: model.to_owned(),
                    usage,
                });
            });
            let findings = Box::new(findings);
            return Err(DescribeError::Description { error, findings });
        }
    };
    Progress::note(|progress| progress.text = Some(Text::of(&checked, services.unfaithful)));
    Ok(ProductDescription::new(
        request.product_id,
        services.model.name(),
        findings,
        told,
        checked,
        services.unfaithful,
    ))
}

async fn read_photo(
    services: &Services,
    source: PhotoSource,
    deadline: Deadline,
) -> Result<Photo, DescribeError> {
    let bytes = match source {
        PhotoSource::Bytes(bytes) => bytes,
        PhotoSource::Object(address) => {
            services
                .store
                .read(&address, MAX_PHOTO_BYTES, deadline)
                .await?
        }
        PhotoSource::State(state) => {
            services
                .store
                .read_state(&state, MAX_PHOTO_BYTES, deadline)
                .await?
        }
    };
    Ok(Photo::read(bytes)?)
}

async fn find_attributes(
    services: &Services,
    photo: Photo,
    plan: &QuestionPlan,
    deadline: Deadline,
) -> Result<Findings, DescribeError> {
    let asked = || {
        plan.questions
            .iter()
            .map(|question| question.attribute.name.clone())
            .collect()
    };
    let questions = plan.texts();
    let max_bytes = services.model.max_photo_bytes(&questions);
    let Some(fitted) = deadline.bound(fit_aside(photo, max_bytes)).await else {
        let error = AskError::TimedOut {
            endpoint: services.model.name().to_owned(),
        };
        return Err(DescribeError::Attributes {
            error,
            missing: asked(),
        });
    };
    let Fitted { photo, warning } = fitted?;

    let answers = services.model.ask(&photo, &questions, deadline).await;
    if let Some(error) = failure_of_all(&answers) {
        return Err(DescribeError::Attributes {
            error,
            missing: asked(),
        });
    }
    let mut findings = Findings::read(&services.attribute_set, &plan.questions, answers);
    let before = plan.warning.clone().into_iter().chain(warning);
    findings.warnings.splice(0..0, before);
    if findings.attributes.is_empty() {
        let answers = Answers::of(&findings, &Told::default());
        Progress::note(|progress| progress.answers = Some(answers));
        return Err(DescribeError::NothingRecognised {
            missing: findings.missing,
            warnings: findings.warnings,
        });
    }
    Ok(findings)
}

/// Scaling takes seconds; the deadline must be able to pass meanwhile.
async fn fit_aside(photo: Photo, max_bytes: usize) -> Result<Fitted, PhotoError> {
    if photo.bytes.len() <= max_bytes {
        return fit(photo, max_bytes);
    }
    tokio::task::spawn_blocking(move || fit(photo, max_bytes))
        .await
        .unwrap_or_else(|error| {
            Err(PhotoError::Damaged {
                reason: format!("decoding it failed: {error}"),
            })
        })
}

/// The error to report when there is no answer at all. A photo that can't be
/// read outweighs the others: that is what the caller can mend.
fn failure_of_all<T>(answers: &[Result<T, AskError>]) -> Option<AskError> {
    let errors = || answers.iter().filter_map(|answer| answer.as_ref().err());
    if errors().count() < answers.len() {
        return None;
    }
    errors()
        .find(|error| matches!(error, AskError::InvalidPhoto { .. }))
        .or_else(|| errors().next())
        .cloned()
}

#[cfg(test)]
mod tests;
