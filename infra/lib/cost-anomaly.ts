import { CfnAnomalyMonitor, CfnAnomalySubscription } from 'aws-cdk-lib/aws-ce';
import { Construct } from 'constructs';

/** Settings of a {@link CostAnomaly}. */
export interface CostAnomalyProps {
  /** What monitor and subscription are called; both are of the account, in no region. */
  readonly name: string;
  /** What an anomaly must cost beyond the expected, in US dollars, to be told. */
  readonly thresholdUsd: number;
  readonly email: string;
  /**
   * The monitor that is listened to.
   *
   * @default - one is made for all services of the account, of which an account may have one only
   */
  readonly monitorArn?: string;
}

/** A letter a day about what suddenly costs more, from AWS Cost Anomaly Detection. */
export class CostAnomaly extends Construct {
  constructor(scope: Construct, id: string, props: CostAnomalyProps) {
    super(scope, id);
    const monitorArn =
      props.monitorArn ??
      new CfnAnomalyMonitor(this, 'Monitor', {
        monitorName: props.name,
        monitorType: 'DIMENSIONAL',
        monitorDimension: 'SERVICE',
      }).attrMonitorArn;
    new CfnAnomalySubscription(this, 'Subscription', {
      subscriptionName: props.name,
      monitorArnList: [monitorArn],
      frequency: 'DAILY',
      subscribers: [{ type: 'EMAIL', address: props.email }],
      thresholdExpression: JSON.stringify({
        Dimensions: {
          Key: 'ANOMALY_TOTAL_IMPACT_ABSOLUTE',
          MatchOptions: ['GREATER_THAN_OR_EQUAL'],
          Values: [String(props.thresholdUsd)],
        },
      }),
    });
  }
}
