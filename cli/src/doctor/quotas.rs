//! How many instances the account may have.

use aws_config::SdkConfig;

use super::finding::Finding;
use crate::aws_error;
use crate::failure::Outcome;

/// SageMaker's code in Service Quotas.
const SERVICE: &str = "sagemaker";

/// A quota as the account has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    /// Its name.
    pub name: String,
    /// Its code, by which an increase is asked for.
    pub code: String,
    /// How many there may be.
    pub value: f64,
}

/// What an instance is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An endpoint.
    Endpoint,
    /// A training job.
    Training,
    /// A training job on spot instances.
    SpotTraining,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Purpose; 3] = [Purpose::Endpoint, Purpose::Training, Purpose::SpotTraining];

    /// What Service Quotas calls the quota of this type of instance.
    #[must_use]
    pub fn quota(self, instance_type: &str) -> String {
        let usage = match self {
            Purpose::Endpoint => "endpoint usage",
            Purpose::Training => "training job usage",
            Purpose::SpotTraining => "spot training job usage",
        };
        format!("{instance_type} for {usage}")
    }
}

/// Looks up the quotas of these names, of which those that aren't listed are left out.
pub async fn ask(config: &SdkConfig, names: &[String]) -> Outcome<Vec<Quota>> {
    let client = aws_sdk_servicequotas::Client::new(config);
    let mut all = client
        .list_service_quotas()
        .service_code(SERVICE)
        .into_paginator()
        .items()
        .send();
    let mut found = Vec::new();
    // There are hundreds of them.
    while let Some(quota) = all.next().await {
        let quota = quota
            .map_err(|error| aws_error::failure(&format!("ListServiceQuotas {SERVICE}"), &error))?;
        let name = quota.quota_name().unwrap_or_default();
        if names.iter().any(|wanted| wanted == name) {
            found.push(Quota {
                name: name.to_owned(),
                code: quota.quota_code().unwrap_or_default().to_owned(),
                value: quota.value().unwrap_or_default(),
            });
        }
        if found.len() == names.len() {
            break;
        }
    }
    Ok(found)
}

/// Judges whether there may be as many instances as are wanted. Without an endpoint nothing
/// works; training may happen elsewhere.
#[must_use]
pub fn judge(instance_type: &str, instances: u32, answer: &Outcome<Vec<Quota>>) -> Vec<Finding> {
    let all = Purpose::ALL.into_iter();
    all.map(|purpose| {
        let name = purpose.quota(instance_type);
        let wanted = match purpose {
            Purpose::Endpoint => instances,
            Purpose::Training | Purpose::SpotTraining => 1,
        };
        let check = format!("quota {name}");
        match answer {
            Err(failure) => Finding::unseen(check, failure),
            Ok(quotas) => match quotas.iter().find(|quota| quota.name == name) {
                None => Finding::not_looked_at(check, "Service Quotas lists none of that name")
                    .mend("look whether SageMaker has this instance type in this region"),
                Some(quota) => judge_one(purpose, check, quota, wanted),
            },
        }
    })
    .collect()
}

fn judge_one(purpose: Purpose, check: String, quota: &Quota, wanted: u32) -> Finding {
    let found = format!("{} allowed, {wanted} wanted", quota.value);
    if quota.value >= f64::from(wanted) {
        return Finding::ok(check, found);
    }
    let finding = match purpose {
        Purpose::Endpoint => Finding::problem(check, found),
        Purpose::Training | Purpose::SpotTraining => Finding::warning(check, found),
    };
    finding.mend(format!(
        "aws service-quotas request-service-quota-increase --service-code {SERVICE} \
         --quota-code {} --desired-value {wanted}; it may take days",
        quota.code
    ))
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use crate::failure::{Exit, Failure};

    fn quota(purpose: Purpose, value: f64) -> Quota {
        Quota {
            name: purpose.quota("ml.g5.2xlarge"),
            code: "L-1".into(),
            value,
        }
    }

    fn states(instances: u32, quotas: Outcome<Vec<Quota>>) -> Vec<State> {
        let findings = judge("ml.g5.2xlarge", instances, &quotas);
        findings.iter().map(|finding| finding.state).collect()
    }

    #[test]
    fn a_quota_allows_what_is_wanted_or_says_how_to_ask_for_more() {
        let quotas = vec![
            quota(Purpose::Endpoint, 1.0),
            quota(Purpose::Training, 0.0),
            quota(Purpose::SpotTraining, 1.0),
        ];
        let of = |instances| states(instances, Ok(quotas.clone()));
        assert_eq!(of(1), [State::Ok, State::Warning, State::Ok]);
        assert_eq!(of(2), [State::Problem, State::Warning, State::Ok]);
        let findings = judge("ml.g5.2xlarge", 2, &Ok(quotas.clone()));
        assert_eq!(findings[0].check, "quota ml.g5.2xlarge for endpoint usage");
        let mend = findings[0].mend.as_ref().unwrap();
        assert!(
            mend.contains("--quota-code L-1 --desired-value 2"),
            "{mend}"
        );
    }

    #[test]
    fn what_is_not_listed_or_not_allowed_is_not_looked_at() {
        assert_eq!(states(1, Ok(Vec::new())), [State::NotLookedAt; 3]);
        let denied = Failure::new(Exit::Denied, "no");
        assert_eq!(states(1, Err(denied)), [State::NotLookedAt; 3]);
    }
}
