//! A product as a stream of events: what is told while it is worked on, and its end.
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::HttpResponse;
use crate::domain::{Audience, Findings, Restart};

/// The media type of such a stream.
pub const CONTENT_TYPE: &str = "text/event-stream";

/// What is told.
#[derive(Debug)]
pub enum Told {
    /// An event, in the form of the stream.
    Event(Bytes),
    /// What came of the call. Nothing is told after it.
    End(HttpResponse),
}

/// Tells whoever holds the other end of the channel. A text has few thousand bytes, so what
/// is told and not read yet has no bound of its own.
pub struct Teller(UnboundedSender<Told>);

/// Somebody who tells, and what is told.
pub fn channel() -> (Teller, UnboundedReceiver<Told>) {
    let (teller, told) = unbounded_channel();
    (Teller(teller), told)
}

impl Teller {
    /// Tells what came of the call.
    pub fn end(&self, response: HttpResponse) {
        self.tell(Told::End(response));
    }

    fn event(&self, name: &str, data: &Value) {
        self.tell(Told::Event(event(name, &data.to_string())));
    }

    fn tell(&self, told: Told) {
        // Where nobody listens any more, the work is about to be stopped.
        let _ = self.0.send(told);
    }
}

impl Audience for Teller {
    fn attributes(&self, findings: &Findings) {
        let Findings {
            attributes,
            confidence,
            missing,
            warnings,
        } = findings;
        let data = json!({
            "attributes": attributes,
            "confidence": confidence,
            "missing": missing,
            "warnings": warnings
        });
        self.event("attributes", &data);
    }

    fn draft(&self, piece: &str) {
        self.event("draft", &json!({"text": piece}));
    }

    fn restart(&self, why: Restart) {
        let reason = match why {
            Restart::BrokenOff => "broken-off",
            Restart::Mending => "mending",
        };
        self.event("restart", &json!({"reason": reason}));
    }
}

/// The last event: the body that the call would have without a stream.
pub fn last_event(response: &HttpResponse) -> Bytes {
    let name = if response.is_success() {
        "result"
    } else {
        "problem"
    };
    event(name, &response.body)
}

/// An event, whose data may have lines.
fn event(name: &str, data: &str) -> Bytes {
    let lines: String = data.lines().map(|line| format!("data: {line}\n")).collect();
    format!("event: {name}\n{lines}\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Problem, ProblemKind};

    #[test]
    fn an_event_has_a_name_and_a_line_of_data_for_each_line() {
        assert_eq!(
            event("draft", "{\"text\":\"a\\nb\"}"),
            "event: draft\ndata: {\"text\":\"a\\nb\"}\n\n"
        );
        assert_eq!(event("x", "a\nb"), "event: x\ndata: a\ndata: b\n\n");
    }

    #[test]
    fn what_is_told_comes_in_order_as_json_on_one_line() {
        let (teller, mut told) = channel();
        let findings = Findings {
            attributes: [("Fabric".to_owned(), "Cotton".to_owned())].into(),
            confidence: [("Fabric".to_owned(), 0.5)].into(),
            missing: vec!["Fit".to_owned()],
            warnings: Vec::new(),
        };
        teller.attributes(&findings);
        teller.draft("A \"shirt\".\n\nBlue");
        teller.restart(Restart::Mending);
        teller.end(Problem::new(ProblemKind::DescriptionTimedOut, "slow").into());
        drop(teller);
        let mut events = Vec::new();
        while let Some(told) = told.blocking_recv() {
            let event = match told {
                Told::Event(event) => event,
                Told::End(response) => last_event(&response),
            };
            events.push(String::from_utf8(event.to_vec()).unwrap());
        }
        assert_eq!(
            events[..3],
            [
                "event: attributes\ndata: {\"attributes\":{\"Fabric\":\"Cotton\"},\
                 \"confidence\":{\"Fabric\":0.5},\"missing\":[\"Fit\"],\"warnings\":[]}\n\n",
                "event: draft\ndata: {\"text\":\"A \\\"shirt\\\".\\n\\nBlue\"}\n\n",
                "event: restart\ndata: {\"reason\":\"mending\"}\n\n",
            ]
        );
        assert!(events[3].starts_with("event: problem\ndata: {\"type\":"));
        assert_eq!(events.len(), 4);
    }
}
