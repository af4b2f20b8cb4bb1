//! `lookbook doctor`: what is wrong before AWS says so.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_smithy_types::DateTime;
use clap::Args;
use describe_product::settings::{BEDROCK_MODEL_IDS, ENDPOINT_NAME};
use futures::FutureExt;
use futures::future::{LocalBoxFuture, join_all};

use crate::context::Context;
use crate::doctor::clock::{self, ServerDate};
use crate::doctor::finding::{Finding, Findings, within};
use crate::doctor::identity::{self, Unknown};
use crate::doctor::image::{self, Image};
use crate::doctor::quotas::{self, Purpose};
use crate::doctor::{bucket, concurrency, endpoint, models, region};
use crate::failure::{Exit, Failure, Outcome};
use crate::infra_defaults::InfraDefaults;

/// What to look at.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The endpoint
    #[arg(long, value_name = "NAME", default_value = ENDPOINT_NAME.default)]
    pub endpoint: String,
    /// The type of its instances, for the quotas [default: the stack's]
    #[arg(long, value_name = "TYPE")]
    pub instance_type: Option<String>,
    /// How many there are to be [default: the stack's]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub instances: Option<u32>,
    /// A model of Bedrock that may write; may be repeated [default: the function's list]
    #[arg(long = "model", value_name = "ID")]
    pub models: Vec<String>,
    /// The region of Bedrock, if another
    #[arg(long, value_name = "REGION")]
    pub bedrock_region: Option<String>,
    /// The catalogue's bucket (the stack's output CatalogueBucketName)
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// The container's image in ECR
    #[arg(long, value_name = "REPOSITORY:TAG")]
    pub image: Option<Image>,
    /// How long each check may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: u64,
}

/// Looks, and says what was found and what to do.
///
/// # Errors
/// When something does not work.
pub async fn run(args: DoctorArgs, context: &Context) -> Outcome {
    let config = context.aws().await;
    let models = if args.models.is_empty() {
        let ids = BEDROCK_MODEL_IDS.default.split(',');
        ids.map(|id| id.trim().to_owned()).collect()
    } else {
        args.models.clone()
    };
    let looks = Looks {
        models,
        time: Duration::from_secs(args.timeout),
        stack: InfraDefaults::built_in()?,
        args,
        config,
        context,
    };
    let findings = Findings::new(context.interrupt.or(looks.all()).await?);
    context.terminal.result(&findings, || findings.text())?;
    match findings.failure() {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

struct Looks<'a> {
    args: DoctorArgs,
    models: Vec<String>,
    time: Duration,
    stack: InfraDefaults,
    config: &'a SdkConfig,
    context: &'a Context,
}

impl Looks<'_> {
    /// Region and credentials first: without them nobody answers. The rest side by side.
    async fn all(&self) -> Vec<Finding> {
        let here: Option<&str> = self.config.region().map(AsRef::as_ref);
        let mut findings = vec![region::judge(here)];
        let Some(here) = here else {
            findings.extend(not_looked_at("there is no region"));
            return findings;
        };
        let (identity, ahead) = self.identity().await;
        findings.push(identity::judge_connection(&identity));
        findings.push(identity::judge(&identity));
        findings.push(clock::judge(ahead));
        if let Some(why) = identity::why_not_further(&identity) {
            findings.extend(not_looked_at(why));
            return findings;
        }
        let mut checks: Vec<LocalBoxFuture<'_, Vec<Finding>>> =
            vec![self.quotas().boxed_local(), self.models().boxed_local()];
        checks.push(self.concurrency().boxed_local());
        checks.push(self.bucket(here).boxed_local());
        checks.push(self.endpoint().boxed_local());
        checks.push(self.image().boxed_local());
        findings.extend(join_all(checks).await.into_iter().flatten());
        findings
    }

    async fn identity(&self) -> (identity::Answer, Option<i64>) {
        let date = ServerDate::default();
        let asked = identity::ask(self.config, date.clone());
        let answer = tokio::time::timeout(self.time, asked).await;
        let answer = answer.unwrap_or_else(|_| {
            let what = format!("STS gave no answer within {} s", self.time.as_secs());
            let failure = Failure::new(Exit::Unavailable, what)
                .next("look at the network and a proxy; --timeout gives more time");
            Err(Unknown::Silence(failure))
        });
        (answer, date.seconds_ahead())
    }

    async fn quotas(&self) -> Vec<Finding> {
        let stack = &self.stack.endpoint;
        let instance_type = self.args.instance_type.as_ref();
        let instance_type = instance_type.unwrap_or(&stack.instance_type);
        let instances = self.instances();
        let names = Purpose::ALL.map(|purpose| purpose.quota(instance_type));
        let look = async {
            let answer = quotas::ask(self.config, &names).await;
            quotas::judge(instance_type, instances, &answer)
        };
        within(self.time, "quotas", look).await
    }

    fn instances(&self) -> u32 {
        let stack = self.stack.endpoint.instance_count.unsigned_abs();
        self.args.instances.unwrap_or(stack)
    }

    /// As many invocations as the stack's setting `fitted` sets aside.
    async fn concurrency(&self) -> Vec<Finding> {
        let each = self.stack.endpoint.products_per_instance;
        let wanted = self.instances().saturating_mul(each);
        let look = async {
            let answer = concurrency::ask(self.config).await;
            vec![concurrency::judge(wanted, &answer)]
        };
        within(self.time, "concurrency", look).await
    }

    async fn models(&self) -> Vec<Finding> {
        let region = self.args.bedrock_region.as_deref();
        let looks = self.models.iter().map(|id| {
            let look = async move {
                let answer = models::ask(self.config, region, id).await;
                vec![models::judge(
                    id,
                    &answer,
                    DateTime::from(SystemTime::now()),
                )]
            };
            async move { within(self.time, &format!("model {id}"), look).await }
        });
        let each = join_all(looks).await;
        models::together(each.into_iter().flatten().collect())
    }

    async fn bucket(&self, here: &str) -> Vec<Finding> {
        let Some(name) = &self.args.bucket else {
            return unnamed("bucket", "--bucket");
        };
        let look = async {
            let client = self.context.s3().await;
            let answer = bucket::ask(&client, name).await;
            vec![bucket::judge(name, &answer, here)]
        };
        within(self.time, "bucket", look).await
    }

    async fn endpoint(&self) -> Vec<Finding> {
        let name = &self.args.endpoint;
        let look = async {
            let answer = endpoint::ask(self.config, name).await;
            vec![endpoint::judge(name, &answer)]
        };
        within(self.time, "endpoint", look).await
    }

    async fn image(&self) -> Vec<Finding> {
        let Some(image) = &self.args.image else {
            return unnamed("image", "--image");
        };
        let look = async {
            let answer = image::ask(self.config, image).await;
            vec![image::judge(image, &answer)]
        };
        within(self.time, "image", look).await
    }
}

/// What is behind a call that nobody would answer.
fn not_looked_at(why: &str) -> Vec<Finding> {
    [
        "quotas",
        "models",
        "concurrency",
        "bucket",
        "endpoint",
        "image",
    ]
    .map(|check| Finding::not_looked_at(check, why))
    .into()
}

fn unnamed(check: &str, option: &str) -> Vec<Finding> {
    vec![Finding::not_looked_at(
        check,
        format!("{option} names none"),
    )]
}
