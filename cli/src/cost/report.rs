//! The bills and break-even points, for people and as JSON.

use serde::Serialize;

use super::bill::{Bill, Rates, Way};
use super::break_even::{self, BreakEven, Cheaper};
use super::load::Load;
use super::prices::{AwsPrices, BedrockPrices};
use crate::terminal::table;

/// Everything that `lookbook cost` says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What was asked.
    pub load: Load,
    /// By which prices.
    pub prices: [PricesUsed; 2],
    /// One for each way.
    pub bills: Vec<BillOfLoad>,
    /// When which way is cheaper.
    pub break_even: Vec<BreakEven>,
    /// The hours with traffic in a month up to which scaling to zero saves something.
    pub most_active_hours: f64,
    /// What the instances can take in a month.
    pub capacity_products: f64,
}

/// Which prices a report is of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PricesUsed {
    /// Whose.
    pub of: &'static str,
    /// Their day.
    pub as_of: String,
    /// Where they are from.
    pub origin: String,
}

/// A bill with the load's number of products.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BillOfLoad {
    /// The way of running.
    pub way: Way,
    /// What is paid for, and how much in US dollars.
    pub lines: Vec<(&'static str, f64)>,
    /// All lines.
    pub total_usd: f64,
}

impl Report {
    /// The report of a load.
    #[must_use]
    pub fn new(load: Load, rates: &Rates, aws: &AwsPrices, bedrock: &BedrockPrices) -> Report {
        let products = load.products as f64;
        let bills = Way::ALL.map(|way| {
            let bill = Bill::new(way, &load, rates);
            let lines = bill.lines.iter();
            BillOfLoad {
                way,
                lines: lines.map(|line| (line.what, line.usd(products))).collect(),
                total_usd: bill.total(products),
            }
        });
        Report {
            prices: [
                PricesUsed {
                    of: "AWS",
                    as_of: aws.as_of.clone(),
                    origin: aws.origin.clone(),
                },
                PricesUsed {
                    of: "Bedrock",
                    as_of: bedrock.as_of.clone(),
                    origin: bedrock.origin.clone(),
                },
            ],
            bills: bills.into(),
            break_even: break_even::table(&load, rates),
            most_active_hours: break_even::most_active_hours(&load),
            capacity_products: load.capacity(),
            load,
        }
    }

    /// As tables for people.
    #[must_use]
    pub fn text(&self) -> String {
        let load = &self.load;
        let mut text = format!(
            "{} products a month, {} questions each; {} × {}, {:.2} s for a product\n\n",
            load.products,
            load.questions,
            load.instances,
            load.instance_type,
            load.endpoint_seconds()
        );
        text.push_str(&self.bills_text());
        text.push('\n');
        text.push_str(&self.break_even_text());
        let capacity = self.capacity_products;
        text.push_str(&format!(
            "\nScaling to zero saves something up to {:.0} hours with traffic a month. The \
             instances can take {capacity:.0} products a month.\n",
            self.most_active_hours
        ));
        if load.products as f64 > capacity {
            text.push_str("That is fewer than there are: give more --instances.\n");
        }
        for prices in &self.prices {
            text.push_str(&format!(
                "Prices of {} as of {}: {}\n",
                prices.of, prices.as_of, prices.origin
            ));
        }
        text
    }

    fn bills_text(&self) -> String {
        let mut rows: Vec<[String; 4]> = Vec::new();
        let mut row = |what: &str, cells: [Option<f64>; 3]| {
            let [one, two, three] = cells.map(|usd| usd.map_or_else(String::new, money));
            rows.push([what.to_owned(), one, two, three]);
        };
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.bills.iter().flat_map(|bill| &bill.lines) {
            if !names.contains(name) {
                names.push(name);
            }
        }
        for name in names {
            row(name, self.of_each(|bill| of_line(bill, name)));
        }
        row("all", self.of_each(|bill| Some(bill.total_usd)));
        let each = |bill: &BillOfLoad| {
            let products = self.load.products as f64;
            (products > 0.0).then(|| bill.total_usd * 1_000.0 / products)
        };
        row("for 1000 products", self.of_each(each));
        let [one, two, three] = Way::ALL.map(Way::name);
        table(["USD a month", one, two, three], &rows)
    }

    /// Something of each bill, in the order of the ways.
    fn of_each(&self, of: impl Fn(&BillOfLoad) -> Option<f64>) -> [Option<f64>; 3] {
        Way::ALL.map(|way| of(self.bills.iter().find(|bill| bill.way == way)?))
    }

    fn break_even_text(&self) -> String {
        let rows: Vec<[String; 2]> = self
            .break_even
            .iter()
            .map(|row| [row.compared.to_owned(), when(row)])
            .collect();
        table(["break-even", "products a month"], &rows)
    }
}

fn of_line(bill: &BillOfLoad, name: &str) -> Option<f64> {
    let line = bill.lines.iter().find(|(what, _)| *what == name);
    line.map(|(_, usd)| *usd)
}

fn money(usd: f64) -> String {
    format!("{usd:.2}")
}

fn when(row: &BreakEven) -> String {
    let words = match row.cheaper {
        Cheaper::Always => "always".to_owned(),
        Cheaper::Never => "never".to_owned(),
        Cheaper::From(from) => format!("from {from:.0}"),
        Cheaper::UpTo(to) => format!("up to {to:.0}"),
        Cheaper::UpToOrFrom(to, from) => format!("up to {to:.0}, and from {from:.0}"),
    };
    if row.beyond_capacity {
        return format!("{words}, more than the instances can take");
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bill::rates_of_tests;
    use super::super::load::of_tests;
    use super::*;

    fn report() -> Report {
        let aws = AwsPrices::read(None).unwrap();
        let bedrock = BedrockPrices::read(None).unwrap();
        Report::new(of_tests(), &rates_of_tests(), &aws, &bedrock)
    }

    #[test]
    fn the_tables_have_every_way_and_say_of_which_day_the_prices_are() {
        let text = report().text();
        let row = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line[name.len()..]
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(row("endpoint"), "1095.00 165.00");
        assert_eq!(row("Batch Transform"), "6.00");
        assert_eq!(row("Bedrock on demand"), "40.00 40.00");
        assert_eq!(row("all"), "1137.22 207.22 26.26");
        assert_eq!(row("for 1000 products"), "113.72 20.72 2.63");
        assert_eq!(
            row("always on is no dearer than batch, texts included"),
            "never"
        );
        assert!(text.contains("up to 720 hours"), "{text}");
        let aws = AwsPrices::read(None).unwrap();
        assert!(text.contains(&format!("AWS as of {}", aws.as_of)), "{text}");
    }

    #[test]
    fn the_json_has_the_same() {
        let json = json!(report());
        assert_eq!(json["bills"][0]["way"], "always-on");
        assert_eq!(json["bills"][2]["lines"][0][0], "Batch Transform");
        assert_eq!(json["break_even"][1]["when"], "never");
        assert_eq!(json["break_even"][0]["when"], "from");
        assert!(json["break_even"][0]["products"].is_f64());
        assert_eq!(json["load"]["products"], 10_000);
    }
}
