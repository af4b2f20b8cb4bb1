//! `POST /descriptions:batch`: many products in one call, one result each.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::Deadline;
use crate::entrypoints::concurrently::each;
use crate::entrypoints::request_body::{invalid, product_id_of};
use crate::entrypoints::{App, direct, json_error};
use crate::problem::Problem;

/// The path, below the API.
pub const PATH: &str = "/descriptions:batch";
/// The same as clients may write it that encode the colon.
const ENCODED_PATH: &str = "/descriptions%3Abatch";
/// The most products of a call.
const MOST_PRODUCTS: usize = 100;

/// Whether this is the path of batches.
pub fn is_path(path: &str) -> bool {
    path == PATH || path.eq_ignore_ascii_case(ENCODED_PATH)
}

/// `{"products": […]}`. Each product is read by itself, so that one which is wrong
/// spoils no other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchBody {
    products: Vec<Value>,
}

/// What came of a call.
pub struct Described {
    /// The body of the answer.
    pub body: Value,
    /// Whether the same call would be answered so again: nothing of it failed that
    /// may succeed later.
    pub is_final: bool,
}

/// Reads the products of a body.
pub fn read(body: &[u8]) -> Result<Vec<Value>, Problem> {
    let body: BatchBody = serde_json::from_slice(body).map_err(|error| {
        let words = json_error::words(&error);
        invalid(format!(
            "the request can't be read: {words}; it is {{\"products\": [{{\"product_id\"?, \
             \"image\": …}}, …]}}"
        ))
    })?;
    let products = body.products;
    if !(1..=MOST_PRODUCTS).contains(&products.len()) {
        return Err(invalid(format!(
            "products has {}, must have 1 to {MOST_PRODUCTS}",
            products.len()
        )));
    }
    Ok(products)
}

/// Describes every product, several at a time and each in its share of the time.
/// `{"results": […]}` has for each, in order, what `POST /descriptions` would have
/// answered: a description or a problem, which has a `status` and the `product_id`.
pub async fn describe_all(app: &App, products: Vec<Value>, deadline: Deadline) -> Described {
    let results: Vec<Described> = each(
        products,
        app.settings.product_concurrency,
        deadline,
        |product, deadline| result_of(app, product, deadline),
    )
    .await;
    let is_final = results.iter().all(|result| result.is_final);
    let results: Vec<Value> = results.into_iter().map(|result| result.body).collect();
    Described {
        body: json!({"results": results}),
        is_final,
    }
}

async fn result_of(app: &App, product: Value, deadline: Deadline) -> Described {
    let product_id = product_id_of(&product).map(str::to_owned);
    match direct::handle(app, product, deadline).await {
        Ok(body) => Described {
            body,
            is_final: true,
        },
        Err(mut problem) => {
            if let Some(product_id) = product_id {
                let name = "product_id".to_owned();
                problem.extensions.insert(name, json!(product_id));
            }
            Described {
                body: problem.to_json(),
                is_final: !problem.kind.is_retriable(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fakes::{Fakes, photo_base64};

    #[test]
    fn the_path_may_be_encoded() {
        for path in [PATH, "/descriptions%3Abatch", "/descriptions%3abatch"] {
            assert!(is_path(path), "{path}");
        }
        for path in [
            "/descriptions",
            "/descriptions/batch",
            "/descriptions:batch/1",
        ] {
            assert!(!is_path(path), "{path}");
        }
    }

    #[test]
    fn one_to_a_hundred_products_are_read() {
        let body = |count: usize| json!({"products": vec![json!({}); count]}).to_string();
        assert_eq!(read(body(1).as_bytes()).unwrap().len(), 1);
        assert_eq!(read(body(100).as_bytes()).unwrap().len(), 100);
        for count in [0, 101] {
            let problem = read(body(count).as_bytes()).unwrap_err();
            assert!(problem.detail.contains("1 to 100"), "{problem:?}");
        }
    }

    #[test]
    fn a_body_that_is_no_batch_says_what_it_is_and_echoes_no_photo() {
        let photo = "A".repeat(1_000);
        for body in [
            "{".to_owned(),
            json!([]).to_string(),
            json!({"image": {"base64": photo}}).to_string(),
            json!({"products": photo}).to_string(),
            json!({(photo.clone()): []}).to_string(),
        ] {
            let detail = read(body.as_bytes()).unwrap_err().detail;
            assert!(detail.contains("\"products\": ["), "{detail}");
            assert!(!detail.contains(&photo[..41]), "{detail}");
        }
    }

    async fn results(fakes: &Fakes, products: Vec<Value>) -> Vec<Value> {
        let deadline = Deadline::after(Duration::from_secs(20));
        let answer = describe_all(&fakes.app(), products, deadline).await;
        answer.body["results"].as_array().unwrap().clone()
    }

    #[tokio::test]
    async fn each_product_has_its_result_or_its_problem_in_order() {
        let image = json!({"base64": photo_base64()});
        let products = vec![
            json!({"product_id": "1", "image": image, "attributes": ["Fabric"]}),
            json!({"product_id": "2", "image": {"s3_uri": "s3://catalogue/2.jpg"}}),
            json!({"product_id": "3", "image": image, "attributes": ["Zip"]}),
            json!({"image": {"base64": "?"}}),
            json!(7),
            json!({"product_id": "6", "image": image}),
        ];
        let results = results(&Fakes::default(), products).await;
        let statuses: Vec<Option<u64>> = results
            .iter()
            .map(|result| result["status"].as_u64())
            .collect();
        assert_eq!(
            statuses,
            [None, Some(404), Some(400), Some(400), Some(400), None]
        );
        assert_eq!(results[0]["attributes"], json!({"Fabric": "Cotton"}));
        for (index, id) in [(0, "1"), (1, "2"), (2, "3"), (5, "6")] {
            assert_eq!(results[index]["product_id"], id);
        }
        assert!(results[3].get("product_id").is_none());
        assert_eq!(results[2]["known_attributes"][4], "Sleeve Length");
    }

    #[tokio::test]
    async fn a_hundred_products_are_a_hundred_results() {
        let fakes = Fakes::default();
        fakes.is_slow(true);
        let image = json!({"base64": photo_base64()});
        let products: Vec<Value> = (0..100)
            .map(|id| json!({"product_id": id.to_string(), "image": image}))
            .collect();
        let results = results(&fakes, products).await;
        assert_eq!(results.len(), 100);
        for (id, result) in results.iter().enumerate() {
            assert_eq!(result["product_id"], id.to_string());
            assert_eq!(result["status"], 504);
        }
    }
}
