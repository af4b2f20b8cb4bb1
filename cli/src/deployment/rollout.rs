//! How an endpoint goes from one configuration to another: the new instances beside the
//! old ones, and back where an alarm rings.

use aws_sdk_sagemaker::types::{
    Alarm, AutoRollbackConfig, BlueGreenUpdatePolicy, CapacitySize, CapacitySizeType,
    DeploymentConfig, TrafficRoutingConfig, TrafficRoutingConfigType,
};
use clap::Args;

/// How long each step is watched, with a part of the traffic and with all of it, where something is
/// to be watched and nothing else is said. As `rollout.bakeSeconds` of the stack.
const BAKE_SECONDS: i32 = 300;

/// How the traffic moves to the new instances.
#[derive(Clone, Debug, Default, Args)]
pub struct Rollout {
    /// Of an update: move so many percent of the capacity first (1 to 50), and the rest
    /// after --bake-seconds; needs two instances or more
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(i32).range(1..=50))]
    pub canary: Option<i32>,
    /// Of an update: how long the new instances are watched after each step: as the canary, and
    /// with all of the traffic before the old ones go
    /// [default: 300 with --canary or --rollback-alarm, else 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=3600))]
    pub bake_seconds: Option<i32>,
    /// Of an update: a CloudWatch alarm that takes it back when it rings; several may be
    /// given
    #[arg(long = "rollback-alarm", value_name = "NAME")]
    pub rollback_alarms: Vec<String>,
}

impl Rollout {
    /// The request's part.
    #[must_use]
    pub fn config(&self) -> DeploymentConfig {
        let watches = self.canary.is_some() || !self.rollback_alarms.is_empty();
        let bake = self
            .bake_seconds
            .unwrap_or(if watches { BAKE_SECONDS } else { 0 });
        let routing = TrafficRoutingConfig::builder();
        let routing = match self.canary {
            // Its one step has no other to wait for.
            None => routing
                .r#type(TrafficRoutingConfigType::AllAtOnce)
                .wait_interval_in_seconds(0),
            Some(percent) => {
                let size = CapacitySize::builder()
                    .r#type(CapacitySizeType::CapacityPercent)
                    .value(percent);
                routing
                    .r#type(TrafficRoutingConfigType::Canary)
                    .canary_size(size.build())
                    .wait_interval_in_seconds(bake)
            }
        };
        // Until the old instances go, alarms take the update back: that is the watch of the last
        // step, and the only one of all traffic at once.
        // <https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-all-at-once.html>
        let policy = BlueGreenUpdatePolicy::builder()
            .traffic_routing_configuration(routing.build())
            .termination_wait_in_seconds(bake);
        let config = DeploymentConfig::builder().blue_green_update_policy(policy.build());
        if self.rollback_alarms.is_empty() {
            return config.build();
        }
        let alarm = |name: &String| Alarm::builder().alarm_name(name).build();
        let alarms = self.rollback_alarms.iter().map(alarm).collect();
        let rollback = AutoRollbackConfig::builder().set_alarms(Some(alarms));
        config.auto_rollback_configuration(rollback.build()).build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(rollout: &Rollout) -> BlueGreenUpdatePolicy {
        rollout.config().blue_green_update_policy().unwrap().clone()
    }

    fn routing(rollout: &Rollout) -> TrafficRoutingConfig {
        let policy = policy(rollout);
        policy.traffic_routing_configuration().unwrap().clone()
    }

    /// For how long the old instances stay beside the new ones that have all traffic.
    fn kept_seconds(rollout: &Rollout) -> Option<i32> {
        policy(rollout).termination_wait_in_seconds()
    }

    #[test]
    fn all_traffic_moves_at_once_where_nothing_is_said() {
        let rollout = Rollout::default();
        let routing = routing(&rollout);
        assert_eq!(routing.r#type(), Some(&TrafficRoutingConfigType::AllAtOnce));
        assert_eq!(routing.wait_interval_in_seconds(), Some(0));
        assert_eq!(kept_seconds(&rollout), Some(0));
        assert!(rollout.config().auto_rollback_configuration().is_none());
    }

    #[test]
    fn all_traffic_is_watched_while_the_old_instances_stay() {
        let watched = Rollout {
            rollback_alarms: vec!["errors".to_owned()],
            ..Rollout::default()
        };
        assert_eq!(kept_seconds(&watched), Some(BAKE_SECONDS));
        assert_eq!(routing(&watched).wait_interval_in_seconds(), Some(0));
        let longer = Rollout {
            bake_seconds: Some(600),
            ..watched
        };
        assert_eq!(kept_seconds(&longer), Some(600));
    }

    #[test]
    fn a_canary_is_watched_and_taken_back_by_alarms() {
        let rollout = Rollout {
            canary: Some(25),
            bake_seconds: None,
            rollback_alarms: vec!["errors".to_owned()],
        };
        let routing = routing(&rollout);
        assert_eq!(routing.r#type(), Some(&TrafficRoutingConfigType::Canary));
        assert_eq!(routing.canary_size().unwrap().value(), Some(25));
        assert_eq!(routing.wait_interval_in_seconds(), Some(BAKE_SECONDS));
        assert_eq!(kept_seconds(&rollout), Some(BAKE_SECONDS));
        let config = rollout.config();
        let alarms = config.auto_rollback_configuration().unwrap().alarms();
        assert_eq!(alarms[0].alarm_name(), Some("errors"));
    }
}
