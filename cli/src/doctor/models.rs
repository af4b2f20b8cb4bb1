//! The models of Bedrock: whether they are there, alive and open to the account.

use aws_config::{Region, SdkConfig};
use aws_sdk_bedrock::types::InferenceType;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::finding::{Finding, State};
use crate::aws_error;
use crate::failure::{Exit, Failure, Outcome};

/// What the ids of profiles begin with that route to several regions, before the model's own.
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html>
const GEOGRAPHIES: [&str; 9] = [
    "us", "us-gov", "eu", "apac", "jp", "au", "ca", "sa", "global",
];

/// What Bedrock says of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelAnswer {
    /// Whether its end is announced.
    pub is_legacy: bool,
    /// When it ends.
    pub end_of_life: Option<DateTime>,
    /// Whether it is only to be had by an inference profile.
    pub needs_profile: bool,
    /// What the account lacks for it; nothing where it may be used or that is not known.
    pub lacks: Vec<&'static str>,
}

/// The model behind an id, an ARN or an inference profile of AWS's own; nothing for a profile
/// of one's own, which may stand for any.
#[must_use]
pub fn foundation_model(id: &str) -> Option<&str> {
    let id = match id.rsplit_once('/') {
        Some((kind, _)) if kind.ends_with(":application-inference-profile") => return None,
        Some((_, id)) => id,
        None => id,
    };
    let without = GEOGRAPHIES.iter().find_map(|geography| {
        let rest = id.strip_prefix(geography)?.strip_prefix('.')?;
        // "us.anthropic.claude": a provider's name still stands before the model's.
        rest.contains('.').then_some(rest)
    });
    Some(without.unwrap_or(id))
}

/// Asks Bedrock about the model behind `id`.
pub async fn ask(config: &SdkConfig, region: Option<&str>, id: &str) -> Outcome<ModelAnswer> {
    let Some(model) = foundation_model(id) else {
        return Err(Failure::new(
            Exit::Failed,
            "it is a profile of your own: `aws bedrock get-inference-profile` tells its model",
        ));
    };
    let mut builder = aws_sdk_bedrock::config::Builder::from(config);
    if let Some(region) = region {
        builder = builder.region(Region::new(region.to_owned()));
    }
    let client = aws_sdk_bedrock::Client::from_conf(builder.build());
    let details = client.get_foundation_model().model_identifier(model).send();
    let availability = client
        .get_foundation_model_availability()
        .model_id(model)
        .send();
    let (details, availability) = futures::join!(details, availability);
    let details = details
        .map_err(|error| aws_error::failure(&format!("GetFoundationModel {model}"), &error))?;
    let mut answer = ModelAnswer::default();
    if let Some(details) = details.model_details() {
        let types = details.inference_types_supported();
        answer.needs_profile = !types.is_empty() && !types.contains(&InferenceType::OnDemand);
        if let Some(lifecycle) = details.model_lifecycle() {
            answer.is_legacy = lifecycle.status().as_str() == "LEGACY";
            answer.end_of_life = lifecycle.end_of_life_time().copied();
        }
    }
    // Not every region and principal may ask this; the model's life is known all the same.
    if let Ok(availability) = availability {
        let is = |found: &str, expected: &str| found == expected;
        let agreement = availability.agreement_availability();
        let said = [
            (
                is(availability.authorization_status().as_str(), "AUTHORIZED"),
                "the authorisation of its use",
            ),
            (
                is(
                    availability.entitlement_availability().as_str(),
                    "AVAILABLE",
                ),
                "an entitlement to it",
            ),
            (
                agreement.is_none_or(|agreement| is(agreement.status().as_str(), "AVAILABLE")),
                "the agreement to its terms",
            ),
            (
                is(availability.region_availability().as_str(), "AVAILABLE"),
                "the model in this region",
            ),
        ];
        let lacks = said.iter().filter(|(has, _)| !has).map(|(_, what)| *what);
        answer.lacks = lacks.collect();
    }
    Ok(answer)
}

/// Judges one model of the list.
#[must_use]
pub fn judge(id: &str, answer: &Outcome<ModelAnswer>, now: DateTime) -> Finding {
    let check = format!("model {id}");
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) if is_unknown(failure) => {
            return Finding::problem(check, &failure.what).mend(
                "`aws bedrock list-foundation-models` lists those of this region; name one by \
                 --model and in bedrock.modelIds",
            );
        }
        Err(failure) => return Finding::unseen(check, failure),
    };
    if let Some(end) = answer.end_of_life.filter(|end| *end <= now) {
        return Finding::problem(check, format!("past its end of life of {}", day(end)))
            .mend("name a living model first, by --model and in bedrock.modelIds");
    }
    // A profile leads to other regions, so that what this one lacks does not count.
    let is_profile = foundation_model(id) != Some(id);
    let lacks: Vec<&str> = answer
        .lacks
        .iter()
        .copied()
        .filter(|what| !(is_profile && what.contains("region")))
        .collect();
    if !lacks.is_empty() {
        return Finding::problem(check, format!("the account lacks {}", lacks.join(", "))).mend(
            "open the model in Bedrock's console (Model access); Anthropic's ask for the use \
             case once",
        );
    }
    if answer.needs_profile && !is_profile {
        return Finding::problem(check, "only to be had by an inference profile")
            .mend(format!("name its profile, as in us.{id} or global.{id}"));
    }
    match (answer.end_of_life, answer.is_legacy) {
        (Some(end), _) => {
            let found = format!("open, and ends on {}", day(end));
            Finding::warning(check, found).mend("choose what is to follow it before that day")
        }
        (None, true) => Finding::warning(check, "open, and its end is announced")
            .mend("choose what is to follow it"),
        (None, false) => Finding::ok(check, "open"),
    }
}

/// Where one model of the list can write, what is wrong with the others is no problem: the
/// function passes them over.
#[must_use]
pub fn together(findings: Vec<Finding>) -> Vec<Finding> {
    let works = |finding: &Finding| matches!(finding.state, State::Ok | State::Warning);
    if !findings.iter().any(works) {
        return findings;
    }
    let softened = findings.into_iter().map(|finding| match finding.state {
        State::Problem => Finding {
            state: State::Warning,
            found: format!("{}; another of the list writes", finding.found),
            ..finding
        },
        _ => finding,
    });
    softened.collect()
}

fn is_unknown(failure: &Failure) -> bool {
    failure.exit == Exit::NotFound || failure.what.contains("ValidationException")
}

/// The day, as in 2026-01-31.
fn day(time: DateTime) -> String {
    let text = time.fmt(Format::DateTime).unwrap_or_default();
    text.chars().take("2026-01-31".len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime {
        // 2027-01-15T08:00:00Z
        DateTime::from_secs(1_800_000_000)
    }

    fn of(id: &str, answer: ModelAnswer) -> Finding {
        judge(id, &Ok(answer), now())
    }

    fn alive() -> ModelAnswer {
        ModelAnswer::default()
    }

    const PLAIN: &str = "anthropic.claude-3-sonnet-20240229-v1:0";
    const PROFILE: &str = "global.anthropic.claude-sonnet-4-6";

    #[test]
    fn the_model_behind_an_id_is_found() {
        let arn = |rest: &str| format!("arn:aws:bedrock:eu-west-1:123456789012:{rest}");
        for (id, model) in [
            (PLAIN.to_owned(), Some(PLAIN)),
            (PROFILE.to_owned(), Some("anthropic.claude-sonnet-4-6")),
            ("us-gov.anthropic.x".to_owned(), Some("anthropic.x")),
            ("us.model".to_owned(), Some("us.model")),
            (arn("inference-profile/eu.anthropic.x"), Some("anthropic.x")),
            (arn("foundation-model/anthropic.x"), Some("anthropic.x")),
            (arn("application-inference-profile/abc"), None),
        ] {
            assert_eq!(foundation_model(&id), model, "{id}");
        }
    }

    #[test]
    fn a_model_past_its_end_is_a_problem_and_one_before_it_a_warning() {
        let ending = |seconds| ModelAnswer {
            is_legacy: true,
            end_of_life: Some(DateTime::from_secs(seconds)),
            ..alive()
        };
        let ended = of(PLAIN, ending(1_700_000_000));
        assert_eq!(ended.state, State::Problem);
        assert!(ended.found.contains("2023-11-14"), "{}", ended.found);
        let ends = of(PLAIN, ending(1_900_000_000));
        assert_eq!(ends.state, State::Warning);
        assert!(ends.found.contains("2030-03-17"), "{}", ends.found);
        assert_eq!(of(PLAIN, alive()).state, State::Ok);
    }

    #[test]
    fn what_the_account_lacks_is_named() {
        let closed = ModelAnswer {
            lacks: vec!["the agreement to its terms"],
            ..alive()
        };
        let finding = of(PLAIN, closed);
        assert_eq!(finding.state, State::Problem);
        assert!(finding.found.contains("agreement"));
        let elsewhere = ModelAnswer {
            lacks: vec!["the model in this region"],
            ..alive()
        };
        assert_eq!(of(PLAIN, elsewhere.clone()).state, State::Problem);
        assert_eq!(of(PROFILE, elsewhere).state, State::Ok);
    }

    #[test]
    fn a_model_behind_a_profile_is_told_its_profile() {
        let behind = ModelAnswer {
            needs_profile: true,
            ..alive()
        };
        let finding = of("anthropic.claude-sonnet-4-6", behind.clone());
        assert_eq!(finding.state, State::Problem);
        assert!(finding.mend.unwrap().contains(PROFILE));
        assert_eq!(of(PROFILE, behind).state, State::Ok);
    }

    #[test]
    fn an_unknown_model_is_a_problem_and_a_forbidden_look_is_none() {
        let unknown = Failure::new(
            Exit::Failed,
            "GetFoundationModel x: ValidationException: no",
        );
        assert_eq!(judge("x", &Err(unknown), now()).state, State::Problem);
        let gone = Failure::new(Exit::NotFound, "no");
        assert_eq!(judge("x", &Err(gone), now()).state, State::Problem);
        let denied = Failure::new(Exit::Denied, "no");
        assert_eq!(judge("x", &Err(denied), now()).state, State::NotLookedAt);
    }

    #[test]
    fn one_model_that_writes_is_enough() {
        let bad = || Finding::problem("model a", "ended");
        let good = || Finding::ok("model b", "open");
        let states = |findings: Vec<Finding>| -> Vec<State> {
            let together = together(findings);
            together.iter().map(|finding| finding.state).collect()
        };
        assert_eq!(states(vec![bad(), good()]), [State::Warning, State::Ok]);
        assert_eq!(states(vec![bad(), bad()]), [State::Problem, State::Problem]);
        let unseen = Finding::not_looked_at("model c", "denied");
        assert_eq!(
            states(vec![bad(), unseen]),
            [State::Problem, State::NotLookedAt]
        );
    }
}
