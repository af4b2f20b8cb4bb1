//! The trainer's way to a model server that stands behind SageMaker Runtime.

use anyhow::{Result, anyhow};
use aws_sdk_sagemakerruntime::Client;
use aws_sdk_sagemakerruntime::operation::invoke_endpoint::InvokeEndpointError;
use aws_sdk_sagemakerruntime::operation::invoke_endpoint::builders::InvokeEndpointFluentBuilder;
use aws_sdk_sagemakerruntime::primitives::Blob;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::StatusCode;
use trainer::evaluate::ask::Wire;

use crate::aws_error;
use crate::failure::{Exit, Failure};
use crate::next_step::about_component;

/// What model servers take and give.
const JSON: &str = "application/json";

/// Requests by InvokeEndpoint.
#[derive(Debug)]
pub struct SageMakerWire {
    client: Client,
    endpoint: String,
    component: Option<String>,
}

impl SageMakerWire {
    /// To an endpoint by its name; where it hosts inference components, to the one that is named.
    #[must_use]
    pub fn new(client: Client, endpoint: String, component: Option<String>) -> SageMakerWire {
        SageMakerWire {
            client,
            endpoint,
            component,
        }
    }

    fn call(&self) -> InvokeEndpointFluentBuilder {
        self.client
            .invoke_endpoint()
            .endpoint_name(&self.endpoint)
            .set_inference_component_name(self.component.clone())
            .content_type(JSON)
    }

    async fn invoke(&self, body: Vec<u8>) -> Result<(StatusCode, Vec<u8>)> {
        let sent = self.call().accept(JSON).body(Blob::new(body)).send().await;
        match sent {
            Ok(output) => {
                let body = output.body.map(Blob::into_inner).unwrap_or_default();
                Ok((StatusCode::OK, body))
            }
            Err(error) => match of_the_model(&error) {
                Some(answer) => Ok(answer),
                None => self.of_aws(&error),
            },
        }
    }

    /// An error of AWS itself: as an answer where asking again may not help.
    fn of_aws(
        &self,
        error: &SdkError<InvokeEndpointError, HttpResponse>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let failure = self.failure(error);
        let status = match failure.exit {
            Exit::Unavailable => return Err(anyhow!(failure)),
            Exit::Denied => StatusCode::FORBIDDEN,
            Exit::NotFound => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        };
        Ok((status, failure.to_string().into_bytes()))
    }

    fn failure(&self, error: &SdkError<InvokeEndpointError, HttpResponse>) -> Failure {
        let doing = format!("InvokeEndpoint {}", self.endpoint);
        about_component(aws_error::failure(&doing, error))
    }
}

/// The status and the body that the model server answered, where it was the one to answer.
fn of_the_model(
    error: &SdkError<InvokeEndpointError, HttpResponse>,
) -> Option<(StatusCode, Vec<u8>)> {
    let Some(InvokeEndpointError::ModelError(error)) = error.as_service_error() else {
        return None;
    };
    let status = u16::try_from(error.original_status_code()?).ok()?;
    let status = StatusCode::from_u16(status).ok()?;
    let message = error.original_message().unwrap_or_default();
    Some((status, message.as_bytes().to_vec()))
}

impl Wire for SageMakerWire {
    fn name(&self) -> String {
        format!("SageMaker endpoint {}", self.endpoint)
    }

    fn post(&self, body: Vec<u8>) -> BoxFuture<'_, Result<(StatusCode, Vec<u8>)>> {
        self.invoke(body).boxed()
    }

    /// By a request that no model server answers with more than what is wrong with it.
    fn reach(&self) -> BoxFuture<'_, Result<()>> {
        async move {
            let sent = self.call().body(Blob::new(b"{}".as_slice())).send().await;
            match sent {
                Ok(_) => Ok(()),
                Err(error) if of_the_model(&error).is_some() => Ok(()),
                Err(error) => Err(anyhow!(self.failure(&error))),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemakerruntime::types::error::ModelError;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn answered(error: InvokeEndpointError) -> SdkError<InvokeEndpointError, HttpResponse> {
        let status = 424_u16.try_into().unwrap();
        SdkError::service_error(error, HttpResponse::new(status, SdkBody::empty()))
    }

    #[test]
    fn an_error_of_the_model_server_is_its_answer() {
        let error = ModelError::builder()
            .original_status_code(400)
            .original_message("what to mend")
            .build();
        let error = answered(InvokeEndpointError::ModelError(error));
        let (status, body) = of_the_model(&error).unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(body, b"what to mend");
        let error = ModelError::builder().message("no status").build();
        let error = answered(InvokeEndpointError::ModelError(error));
        assert!(of_the_model(&error).is_none());
    }
}
