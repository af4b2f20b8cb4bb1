//! The states that a training job comes to, each told once.

use aws_sdk_sagemaker::types::SecondaryStatusTransition;

use crate::clock::of_the_day;

/// Which transitions were told, each with its words then.
#[derive(Debug, Default)]
pub struct States {
    told: Vec<(String, String)>,
}

impl States {
    /// What is new: a transition, or other words for the last one. SageMaker changes these
    /// while a state lasts.
    pub fn news(&mut self, transitions: &[SecondaryStatusTransition]) -> Vec<String> {
        let mut news = Vec::new();
        for (index, transition) in transitions.iter().enumerate() {
            let status = transition.status().map_or("", |status| status.as_str());
            let words = transition.status_message().unwrap_or_default();
            let now = (status.to_owned(), words.to_owned());
            match self.told.get_mut(index) {
                Some(told) if *told == now => continue,
                Some(told) => *told = now,
                None => self.told.push(now),
            }
            let time = transition.start_time().map(of_the_day).unwrap_or_default();
            let line = match words {
                "" => format!("{time} {status}"),
                words => format!("{time} {status}: {words}"),
            };
            news.push(line.trim_start().to_owned());
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::types::SecondaryStatus;
    use aws_smithy_types::DateTime;

    use super::*;

    fn transition(status: SecondaryStatus, words: &str) -> SecondaryStatusTransition {
        SecondaryStatusTransition::builder()
            .status(status)
            .status_message(words)
            .start_time(DateTime::from_secs(1_795_953_192))
            .build()
    }

    #[test]
    fn a_transition_is_told_once_and_again_when_its_words_change() {
        let mut states = States::default();
        let starting = transition(SecondaryStatus::Starting, "Preparing");
        assert_eq!(
            states.news(std::slice::from_ref(&starting)),
            ["11:53:12 Starting: Preparing"]
        );
        assert!(states.news(std::slice::from_ref(&starting)).is_empty());
        let both = [starting.clone(), transition(SecondaryStatus::Training, "")];
        assert_eq!(states.news(&both), ["11:53:12 Training"]);
        let words = [
            starting,
            transition(SecondaryStatus::Training, "in progress"),
        ];
        assert_eq!(states.news(&words), ["11:53:12 Training: in progress"]);
    }
}
