import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { FUNCTION_DIMENSION, PRODUCT_METRICS } from '../lib/product-metrics.ts';
import { resourcesOf, templateOf } from './support.ts';

const ALARM = 'AWS::CloudWatch::Alarm';
const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:alarms';

/** Each alarm by the beginning of its logical id, without the hash. */
function alarmsOf(template: Template): Map<string, Record<string, unknown>> {
  const alarms = Object.entries(template.findResources(ALARM)).map(
    ([id, { Properties }]) => [id.slice(0, -8), Properties as Record<string, unknown>] as const,
  );
  return new Map(alarms);
}

/** The dashboard's body as text, references within it. */
function dashboardOf(template: Template): string {
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  return JSON.stringify((dashboard?.Properties as Record<string, unknown>).DashboardBody);
}

describe('alarms', () => {
  const template = templateOf();

  it('watch endpoint, function, what it counts, queues and API', () => {
    assert.deepEqual([...alarmsOf(template).keys()].sort(), [
      'ApiErrors',
      'EndpointAlarmsErrors',
      'EndpointAlarmsLatency',
      'FunctionAlarmsErrors',
      'FunctionAlarmsFailedProducts',
      'FunctionAlarmsGivenUp',
      'FunctionAlarmsThrottles',
      'FunctionAlarmsTokens',
      'UploadsDeadLettersAlarm',
      'UploadsOldestMessageAlarm',
    ]);
    for (const [id, alarm] of alarmsOf(template)) {
      assert.equal(alarm.ComparisonOperator, 'GreaterThanOrEqualToThreshold', id);
      assert.equal(alarm.TreatMissingData, 'notBreaching', id);
      assert.match(String(alarm.AlarmDescription), /\w{3}/, id);
    }
  });

  it('have the thresholds of the settings', () => {
    const alarms = alarmsOf(
      templateOf({
        alarms: {
          endpointErrorsPerMinute: 11,
          endpointLatencyMs: 12,
          functionErrorsPer5Minutes: 13,
          functionThrottlesPer5Minutes: 14,
          failedProductsPer5Minutes: 15,
          apiErrorsPer5Minutes: 16,
          bedrockTokensPerHour: 17,
        },
      }),
    );
    for (const [id, threshold] of [
      ['EndpointAlarmsErrors', 11],
      // In microseconds.
      ['EndpointAlarmsLatency', 12_000],
      ['FunctionAlarmsErrors', 13],
      ['FunctionAlarmsThrottles', 14],
      ['FunctionAlarmsFailedProducts', 15],
      ['ApiErrors', 16],
      ['FunctionAlarmsTokens', 17],
    ] as const) {
      assert.equal(alarms.get(id)?.Threshold, threshold, id);
    }
  });

  it('on the endpoint look at its one variant, minute by minute', () => {
    const ofEndpoint = {
      Namespace: 'AWS/SageMaker',
      Dimensions: [
        { Name: 'EndpointName', Value: 'Test-blip2' },
        { Name: 'VariantName', Value: 'AllTraffic' },
      ],
      Period: 60,
      EvaluationPeriods: 3,
      DatapointsToAlarm: 2,
    };
    template.hasResourceProperties(ALARM, {
      ...ofEndpoint,
      MetricName: 'Invocation5XXErrors',
      Statistic: 'Sum',
    });
    template.hasResourceProperties(ALARM, {
      ...ofEndpoint,
      MetricName: 'ModelLatency',
      ExtendedStatistic: 'p90',
    });
  });

  it('tell of asynchronous requests that fail, expire or wait, at the thresholds of the settings', () => {
    const asynchronous = alarmsOf(
      templateOf({
        endpoint: { mode: 'asynchronous' },
        alarms: { asynchronousFailuresPer5Minutes: 3, asynchronousOldestMinutes: 20 },
      }),
    );
    const ofEndpoint = { Name: 'EndpointName', Value: 'Test-blip2' };
    const ofVariant = { Name: 'VariantName', Value: 'AllTraffic' };
    for (const [id, MetricName, Statistic, Threshold, Dimensions] of [
      ['Failures', 'InvocationFailures', 'Sum', 3, [ofEndpoint, ofVariant]],
      ['Expired', 'ExpiredRequests', 'Sum', 3, [ofEndpoint, ofVariant]],
      ['Waiting', 'ApproximateAgeOfOldestRequest', 'Maximum', 1200, [ofEndpoint]],
    ] as const) {
      const alarm = asynchronous.get(`AsynchronousAlarms${id}`) ?? {};
      assert.deepEqual(
        {
          namespace: alarm.Namespace,
          metric: alarm.MetricName,
          statistic: alarm.Statistic,
          period: alarm.Period,
          threshold: alarm.Threshold,
          dimensions: alarm.Dimensions,
        },
        {
          namespace: 'AWS/SageMaker',
          metric: MetricName,
          statistic: Statistic,
          period: 300,
          threshold: Threshold,
          dimensions: Dimensions,
        },
      );
    }
    for (const id of alarmsOf(templateOf()).keys()) {
      assert(!id.startsWith('AsynchronousAlarms'), id);
    }
  });

  it('on the function look at all of it, whichever version answers', () => {
    for (const MetricName of ['Errors', 'Throttles']) {
      template.hasResourceProperties(ALARM, {
        Namespace: 'AWS/Lambda',
        MetricName,
        Dimensions: [
          { Name: 'FunctionName', Value: { Ref: Match.stringLikeRegexp('^DescribeFunction') } },
        ],
        Statistic: 'Sum',
        Period: 300,
      });
    }
    template.hasResourceProperties(ALARM, {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [
        {
          Name: 'QueueName',
          Value: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DescribeFailures'), 'QueueName'] },
        },
      ],
      Threshold: 1,
    });
  });

  it("add up the tokens of Bedrock's models by the hour", () => {
    const metrics = alarmsOf(template).get('FunctionAlarmsTokens')?.Metrics as {
      Expression?: string;
      MetricStat?: { Metric: { MetricName: string; Namespace: string }; Period: number };
    }[];
    assert(metrics.some(({ Expression }) => Expression === 'input + output'));
    assert.deepEqual(
      metrics.flatMap(({ MetricStat }) =>
        MetricStat === undefined
          ? []
          : [
              `${MetricStat.Metric.Namespace} ${MetricStat.Metric.MetricName} ${String(MetricStat.Period)}`,
            ],
      ),
      ['Lookbook InputTokens 3600', 'Lookbook OutputTokens 3600'],
    );
    const without = templateOf({ alarms: { bedrockTokensPerHour: null } });
    assert(!alarmsOf(without).has('FunctionAlarmsTokens'));
  });

  it('follow the namespace of the metrics, and do without them where there are none', () => {
    const environment = (METRICS_NAMESPACE: string) => ({
      function: { environment: { METRICS_NAMESPACE } },
    });
    templateOf(environment('Shop')).hasResourceProperties(ALARM, {
      Namespace: 'Shop',
      MetricName: 'ProductsFailed',
    });
    const off = templateOf(environment('none'));
    assert.deepEqual(
      [...alarmsOf(off).keys()].filter((id) => /Products|Tokens/.test(id)),
      [],
    );
    assert(!dashboardOf(off).includes('ProductsFailed'));
  });

  it('tell the topic of the settings of every one and of its end, else nobody', () => {
    template.allResourcesProperties(ALARM, {
      AlarmActions: Match.absent(),
      OKActions: Match.absent(),
    });
    for (const mode of ['real-time', 'scale-to-zero', 'asynchronous']) {
      const told = templateOf({ stack: { alarmTopicArn: TOPIC }, endpoint: { mode } });
      for (const [id, { AlarmActions, OKActions }] of alarmsOf(told)) {
        // The one that wakes an endpoint is no news.
        if (id !== 'EndpointScalingAsleep') {
          assert.deepEqual([AlarmActions, OKActions], [[TOPIC], [TOPIC]], id);
        }
      }
    }
  });
});

describe('dashboard', () => {
  const template = templateOf();

  it('shows every alarm but that which wakes the endpoint', () => {
    for (const mode of ['real-time', 'scale-to-zero', 'asynchronous']) {
      const ofMode = templateOf({ endpoint: { mode } });
      const body = dashboardOf(ofMode);
      for (const id of Object.keys(ofMode.findResources(ALARM))) {
        assert.equal(body.includes(`"${id}"`), !id.startsWith('EndpointScalingAsleep'), id);
      }
    }
  });

  it('shows products, function, queue, API and endpoint', () => {
    const body = dashboardOf(template);
    for (const metric of [
      ...PRODUCT_METRICS,
      'ConcurrentExecutions',
      'ApproximateAgeOfOldestMessage',
      '5xx',
      'ModelLatency',
      'GPUUtilization',
    ]) {
      assert(body.includes(`\\"${metric}\\"`), metric);
    }
  });

  it('is named by stack and region: dashboards are of an account', () => {
    template.hasResourceProperties('AWS::CloudWatch::Dashboard', {
      DashboardName: { 'Fn::Join': ['', ['Test-', { Ref: 'AWS::Region' }]] },
    });
  });
});

describe("the function's metrics", () => {
  const source = (name: string) =>
    readFileSync(new URL(`../../lambda/src/telemetry/${name}`, import.meta.url), 'utf8');

  it('are called as the function calls them', () => {
    const written = new Set(
      ['metrics.rs', 'product.rs'].flatMap((name) =>
        // What tests in the same file say is no proof.
        [...(source(name).split('#[cfg(test)]')[0] ?? '').matchAll(/"([A-Z][A-Za-z]+)"/g)].map(
          ([, metric]) => metric,
        ),
      ),
    );
    for (const metric of PRODUCT_METRICS) {
      assert(written.has(metric), `lambda/src/telemetry has no metric ${metric}`);
    }
  });

  it('have the dimension that the function gives them', () => {
    assert.match(
      source('invocation.rs'),
      new RegExp(`\\("${FUNCTION_DIMENSION}", self\\.function_name`),
    );
  });
});

describe('cost anomalies', () => {
  const costAnomaly = { thresholdUsd: 50, email: 'ops@shop.example', monitorArn: null };
  const MONITOR = 'AWS::CE::AnomalyMonitor';
  const SUBSCRIPTION = 'AWS::CE::AnomalySubscription';

  it('are told of to nobody unless it is asked for', () => {
    for (const type of [MONITOR, SUBSCRIPTION]) {
      templateOf().resourceCountIs(type, 0);
    }
  });

  it('are found by a monitor of all services, and told of by mail from a threshold on', () => {
    const template = templateOf({ alarms: { costAnomaly } });
    template.hasResourceProperties(MONITOR, {
      MonitorType: 'DIMENSIONAL',
      MonitorDimension: 'SERVICE',
    });
    template.hasResourceProperties(SUBSCRIPTION, {
      Frequency: 'DAILY',
      Subscribers: [{ Type: 'EMAIL', Address: 'ops@shop.example' }],
      MonitorArnList: [{ 'Fn::GetAtt': [Match.stringLikeRegexp('^CostAnomaly'), 'MonitorArn'] }],
      ThresholdExpression: Match.serializedJson({
        Dimensions: {
          Key: 'ANOMALY_TOTAL_IMPACT_ABSOLUTE',
          MatchOptions: ['GREATER_THAN_OR_EQUAL'],
          Values: ['50'],
        },
      }),
    });
  });

  it('are those of the monitor that there is, where the settings name it', () => {
    const monitorArn = 'arn:aws:ce::111122223333:anomalymonitor/12345678-1234';
    const template = templateOf({ alarms: { costAnomaly: { ...costAnomaly, monitorArn } } });
    template.resourceCountIs(MONITOR, 0);
    template.hasResourceProperties(SUBSCRIPTION, { MonitorArnList: [monitorArn] });
  });

  it('have names that follow stack and region', () => {
    const resources = [...resourcesOf(templateOf({ alarms: { costAnomaly } })).values()];
    const names = resources.flatMap(({ Type, Properties = {} }) =>
      Type.startsWith('AWS::CE::') ? [Properties.MonitorName ?? Properties.SubscriptionName] : [],
    );
    const name = { 'Fn::Join': ['', ['Test-', { Ref: 'AWS::Region' }]] };
    assert.deepEqual(names, [name, name]);
  });
});
