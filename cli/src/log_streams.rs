//! What containers write, as CloudWatch Logs keeps it.

use std::collections::BTreeMap;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::{OrderBy, OutputLogEvent};

use crate::aws_error::failure;
use crate::failure::{Exit, Failure, Outcome};

/// The lines of all streams of a group whose names begin alike, as they come.
#[derive(Debug)]
pub struct LogStreams {
    client: Client,
    group: String,
    prefix: String,
    /// The streams, each with where the next reading begins.
    next: BTreeMap<String, Option<String>>,
}

impl LogStreams {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(client: Client, group: &str, prefix: &str) -> LogStreams {
        LogStreams {
            client,
            group: group.to_owned(),
            prefix: prefix.to_owned(),
            next: BTreeMap::new(),
        }
    }

    /// The lines that came since the last reading, in order within each stream. A group
    /// that is not there has none.
    ///
    /// # Errors
    /// When CloudWatch refuses or does not answer.
    pub async fn read(&mut self) -> Outcome<Vec<String>> {
        let names = match self.names().await {
            Err(failure) if failure.exit == Exit::NotFound => return Ok(Vec::new()),
            names => names?,
        };
        for name in names {
            self.next.entry(name).or_insert(None);
        }
        let mut lines = Vec::new();
        for (stream, next) in &mut self.next {
            loop {
                let sent = self
                    .client
                    .get_log_events()
                    .log_group_name(&self.group)
                    .log_stream_name(stream)
                    .start_from_head(true)
                    .set_next_token(next.clone())
                    .send()
                    .await;
                let output = sent.map_err(|error| failure(&reading(stream), &error))?;
                lines.extend(output.events().iter().filter_map(line));
                // At the end, and only there, CloudWatch gives the token back that it got.
                let token = output.next_forward_token;
                let is_end = token.is_none() || token == *next;
                *next = token.or(next.take());
                if is_end {
                    break;
                }
            }
        }
        Ok(lines)
    }

    async fn names(&self) -> Outcome<Vec<String>> {
        let pages = self
            .client
            .describe_log_streams()
            .log_group_name(&self.group)
            .log_stream_name_prefix(&self.prefix);
        let listed = pages.into_paginator().items().send().try_collect().await;
        let listed = listed
            .map_err(|error| failure(&format!("DescribeLogStreams {}", self.group), &error))?;
        let names = listed.into_iter().filter_map(|one| one.log_stream_name);
        Ok(names.collect())
    }
}

/// The last lines of the stream of a group that was written to last.
///
/// # Errors
/// When CloudWatch refuses, does not answer or has no such group.
pub async fn last_lines(client: &Client, group: &str, most: i32) -> Outcome<Vec<String>> {
    let streams = client
        .describe_log_streams()
        .log_group_name(group)
        .order_by(OrderBy::LastEventTime)
        .descending(true)
        .limit(1)
        .send()
        .await
        .map_err(|error| failure(&format!("DescribeLogStreams {group}"), &error))?;
    let Some(stream) = streams
        .log_streams()
        .first()
        .and_then(|one| one.log_stream_name())
    else {
        return Err(Failure::new(
            Exit::NotFound,
            format!("{group} has no streams"),
        ));
    };
    let output = client
        .get_log_events()
        .log_group_name(group)
        .log_stream_name(stream)
        .limit(most)
        .send()
        .await
        .map_err(|error| failure(&reading(stream), &error))?;
    Ok(output.events().iter().filter_map(line).collect())
}

fn reading(stream: &str) -> String {
    format!("GetLogEvents {stream}")
}

fn line(event: &OutputLogEvent) -> Option<String> {
    Some(event.message()?.trim_end().to_owned())
}
