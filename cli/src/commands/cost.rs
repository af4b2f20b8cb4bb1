//! `lookbook cost`: a month's bill, in each way of running.

use std::path::PathBuf;

use clap::Args;
use describe_product::domain::Price;

use crate::context::Context;
use crate::cost::bill::Rates;
use crate::cost::load::{HOURS_A_MONTH, Load};
use crate::cost::prices::{AwsPrices, BedrockPrices, usd};
use crate::cost::report::Report;
use crate::failure::Outcome;
use crate::infra_defaults::InfraDefaults;

/// What is done in a month. Defaults that are not the stack's are guesses to be replaced by
/// numbers of your own.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// The settings of an environment, as `cdk deploy -c config=FILE` takes them: its instances,
    /// its function and its models take the place of the stack's defaults
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Products a month
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub products: u64,
    /// Questions about each
    #[arg(long, value_name = "COUNT", default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(1..=64))]
    pub questions: u32,
    /// Type of the endpoint's instances [default: the stack's]
    #[arg(long, value_name = "TYPE")]
    pub instance_type: Option<String>,
    /// How many instances there are [default: the stack's]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub instances: Option<u32>,
    /// The price of an instance's hour in US dollars, in place of the file's
    #[arg(long, value_name = "USD", value_parser = amount)]
    pub instance_price: Option<f64>,
    /// How long a photograph keeps an instance busy before its questions, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "0.2", value_parser = more_than_none)]
    pub photo_seconds: f64,
    /// How long a question does, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "0.1", value_parser = amount)]
    pub question_seconds: f64,
    /// Hours of a month in which products come, for scaling to zero
    #[arg(long, value_name = "HOURS", default_value = "180", value_parser = hours)]
    pub active_hours: f64,
    /// How often a month an endpoint that was scaled to zero is started
    #[arg(long, value_name = "COUNT", default_value_t = 22)]
    pub wake_ups: u32,
    /// How long an instance takes to start, in minutes
    #[arg(long, value_name = "MINUTES", default_value = "8", value_parser = amount)]
    pub start_minutes: f64,
    /// How long an endpoint stays up after its last product, in minutes
    #[arg(long, value_name = "MINUTES", default_value = "15", value_parser = amount)]
    pub idle_minutes: f64,
    /// Over how many batch jobs a month the products are spread
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    pub batch_jobs: u32,
    /// The model that writes [default: the last of the stack's list]
    #[arg(long, value_name = "ID")]
    pub model: Option<String>,
    /// The model's price in US dollars a million tokens, in place of the file's
    #[arg(long, value_name = "INPUT/OUTPUT", value_parser = model_price)]
    pub model_price: Option<Price>,
    /// Tokens that the model reads of one product
    #[arg(long, value_name = "COUNT", default_value_t = 400)]
    pub input_tokens: u64,
    /// Tokens that it writes of one
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    pub output_tokens: u64,
    /// HTTP calls of the API a month
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub requests: u64,
    /// How long the function works on a product, mostly waiting, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "8", value_parser = amount)]
    pub function_seconds: f64,
    /// The size of a photograph, in MB
    #[arg(long, value_name = "MB", default_value = "0.5", value_parser = amount)]
    pub photo_mb: f64,
    /// A file of prices in the form of prices/aws.json
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// A file of Bedrock's prices in the form of prices/bedrock.json
    #[arg(long, value_name = "FILE")]
    pub bedrock_prices: Option<PathBuf>,
}

/// Shows the bills. Nothing of AWS is asked.
///
/// # Errors
/// When there is no price of something.
pub async fn run(args: CostArgs, context: &Context) -> Outcome {
    let report = report(args)?;
    context.terminal.result(&report, || report.text())
}

fn report(args: CostArgs) -> Outcome<Report> {
    let stack = match &args.settings {
        Some(file) => InfraDefaults::of_environment("--settings", file)?,
        None => InfraDefaults::built_in()?,
    };
    let aws = AwsPrices::read(args.prices.as_deref())?;
    let bedrock = BedrockPrices::read(args.bedrock_prices.as_deref())?;
    // The first of the list may have ended; the last is the one that is there to follow it.
    let model = stack.bedrock.model_ids.last().cloned().unwrap_or_default();
    let load = Load {
        products: args.products,
        questions: args.questions,
        photo_seconds: args.photo_seconds,
        question_seconds: args.question_seconds,
        instance_type: args.instance_type.unwrap_or(stack.endpoint.instance_type),
        instances: args
            .instances
            .unwrap_or(stack.endpoint.instance_count.unsigned_abs()),
        active_hours: args.active_hours,
        wake_ups: args.wake_ups,
        start_minutes: args.start_minutes,
        idle_minutes: args.idle_minutes,
        batch_jobs: args.batch_jobs,
        model: args.model.unwrap_or(model),
        input_tokens: args.input_tokens,
        output_tokens: args.output_tokens,
        requests: args.requests,
        architecture: stack.function.architecture,
        memory_mib: stack.function.memory_mib,
        function_seconds: args.function_seconds,
        photo_mb: args.photo_mb,
    };
    let instance_hour = match args.instance_price {
        Some(price) => price,
        None => aws.instance(&load.instance_type)?,
    };
    let text = match args.model_price {
        Some(price) => usd(price, load.input_tokens, load.output_tokens),
        None => bedrock.text(&load.model, load.input_tokens, load.output_tokens)?,
    };
    let gb_second = aws.gb_second(&load.architecture)?;
    let rates = Rates::new(&aws, instance_hour, gb_second, text, bedrock.batch_share);
    Ok(Report::new(load, &rates, &aws, &bedrock))
}

fn amount(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|number| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| format!("{text:?} must be a number, 0 or more"))
}

fn more_than_none(text: &str) -> Result<f64, String> {
    let number = amount(text)?;
    if number == 0.0 {
        return Err("must be more than 0".to_owned());
    }
    Ok(number)
}

fn hours(text: &str) -> Result<f64, String> {
    let number = amount(text)?;
    if number > HOURS_A_MONTH {
        return Err(format!("a month has {HOURS_A_MONTH} hours"));
    }
    Ok(number)
}

fn model_price(text: &str) -> Result<Price, String> {
    let price = text.split_once('/').and_then(|(input, output)| {
        Price::per_million_tokens(input.trim().parse().ok()?, output.trim().parse().ok()?)
    });
    price.ok_or_else(|| format!("{text:?} must be INPUT/OUTPUT, as in \"3/15\""))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser};

    use super::*;
    use crate::cost::bill::Way;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        cost: CostArgs,
    }

    fn parse(arguments: &[&str]) -> Result<CostArgs, clap::Error> {
        let arguments = std::iter::once(&"cost").chain(arguments);
        let matches = Alone::command().try_get_matches_from(arguments)?;
        Ok(Alone::from_arg_matches(&matches)?.cost)
    }

    fn report_of(arguments: &[&str]) -> Outcome<Report> {
        report(parse(arguments).unwrap())
    }

    #[test]
    fn the_stack_as_it_is_has_a_bill() {
        let report = report_of(&[]).unwrap();
        let stack = InfraDefaults::built_in().unwrap();
        assert_eq!(report.load.instance_type, stack.endpoint.instance_type);
        assert_eq!(report.load.model, "global.anthropic.claude-sonnet-4-6");
        let aws = AwsPrices::read(None).unwrap();
        let hour = aws.instance(&report.load.instance_type).unwrap();
        let always = &report.bills[0];
        assert_eq!(always.way, Way::AlwaysOn);
        assert!((always.lines[0].1 - 730.0 * hour).abs() < 1e-6);
        // 10,000 texts of 400 tokens at $3 and 200 at $15 a million.
        assert!((always.lines[1].1 - 42.0).abs() < 1e-6);
    }

    #[test]
    fn the_settings_of_an_environment_have_a_bill_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.json");
        let text = r#"{"endpoint": {"instanceType": "ml.c5.xlarge", "instanceCount": 2},
                       "function": {"memoryMib": 2048, "architecture": "arm64"},
                       "bedrock": {"modelIds": ["anthropic.claude-3-sonnet-20240229-v1:0"]}}"#;
        std::fs::write(&file, text).unwrap();
        let settings = ["--settings", file.to_str().unwrap()];
        let report = report_of(&settings).unwrap();
        let load = &report.load;
        assert_eq!(
            (load.instance_type.as_str(), load.instances),
            ("ml.c5.xlarge", 2)
        );
        assert_eq!(
            (load.memory_mib, load.architecture.as_str()),
            (2048, "arm64")
        );
        assert_eq!(load.model, "anthropic.claude-3-sonnet-20240229-v1:0");
        let hour = AwsPrices::read(None)
            .unwrap()
            .instance("ml.c5.xlarge")
            .unwrap();
        assert!((report.bills[0].lines[0].1 - 2.0 * 730.0 * hour).abs() < 1e-6);
        // What is said on the command line comes before.
        let one = report_of(&[settings[0], settings[1], "--instances", "1"]).unwrap();
        assert_eq!(one.load.instances, 1);
    }

    /// The page that says what a month costs.
    const DEPLOYING: &str = include_str!("../../../docs/deploy.md");

    #[test]
    fn the_example_of_the_documents_is_what_is_said_here() {
        let report = report_of(&["--products", "10000"]).unwrap();
        let text = report.text();
        let (bills, _) = text.split_once("\n\nbreak-even").unwrap();
        for line in bills.lines() {
            let line = line.trim_end();
            assert!(DEPLOYING.contains(line), "docs/deploy.md lacks: {line}");
        }
        assert!(!DEPLOYING.contains("look it up"), "docs/deploy.md");
        assert!(!DEPLOYING.contains("look them up"), "docs/deploy.md");
    }

    #[test]
    fn prices_of_ones_own_count() {
        let report = report_of(&[
            "--instance-type",
            "ml.mine",
            "--instance-price",
            "2",
            "--model",
            "mine",
            "--model-price",
            "1/0",
            "--instances",
            "3",
        ]);
        let report = report.unwrap();
        assert!((report.bills[0].lines[0].1 - 3.0 * 730.0 * 2.0).abs() < 1e-6);
        assert!((report.bills[0].lines[1].1 - 4.0).abs() < 1e-6);
        let failure = report_of(&["--instance-type", "ml.mine"]).unwrap_err();
        assert!(
            failure.to_string().contains("--instance-price"),
            "{failure}"
        );
        let failure = report_of(&["--model", "mine"]).unwrap_err();
        assert!(failure.to_string().contains("--model-price"), "{failure}");
    }

    #[test]
    fn numbers_that_can_be_none_are_refused() {
        for arguments in [
            ["--photo-seconds", "0"],
            ["--active-hours", "731"],
            ["--photo-mb", "-1"],
            ["--start-minutes", "inf"],
            ["--model-price", "3"],
            ["--instances", "0"],
        ] {
            assert!(parse(&arguments).is_err(), "{arguments:?}");
        }
    }
}
