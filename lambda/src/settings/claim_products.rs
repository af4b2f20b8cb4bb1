//! Whether products are claimed.

use super::{CLAIM_PRODUCTS, Environment, SettingsError};

/// Reads it.
pub(super) fn claims_products<L>(environment: &Environment<L>) -> Result<bool, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    match environment.text(&CLAIM_PRODUCTS).as_str() {
        "no" => Ok(false),
        "yes" => Ok(true),
        other => Err(CLAIM_PRODUCTS.wrong(format!("is {other:?}, must be \"yes\" or \"no\""))),
    }
}
