import { Aws, Duration, Stack } from 'aws-cdk-lib';
import type { IHttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IAlarm,
  type IMetric,
  type IWidget,
  Metric,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { backlogMetric, requestMetric } from './endpoint-metrics.ts';
import { type EndpointMode, type EndpointNames, VARIANT_NAME } from './endpoint-names.ts';
import type { ProductMetric, ProductMetrics } from './product-metrics.ts';

/** What describes products, where the endpoint answers those who wait. */
export interface DescribingParts {
  readonly function: IFunction;
  readonly api: IHttpApi;
  readonly uploads: IQueue;
  readonly deadLetters: IQueue;
  /**
   * What the function counts itself.
   *
   * @default - nothing is shown of it
   */
  readonly products?: ProductMetrics;
}

/** Settings of a {@link Dashboard}. */
export interface DashboardProps {
  readonly alarms: readonly IAlarm[];
  readonly endpoint: { readonly mode: EndpointMode; readonly names: EndpointNames };
  /**
   * What asks the endpoint.
   *
   * @default - nothing of the stack
   */
  readonly describing?: DescribingParts;
}

/** A graph's width where three stand in a row. */
const THIRD = 8;
const PERIOD = Duration.minutes(5);

/** One page of CloudWatch: alarms, products, tokens, function, queue, API, endpoint. */
export class Dashboard extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const dashboard = new CloudWatchDashboard(this, 'Dashboard', {
      // Dashboards are of an account, not of a region.
      dashboardName: `${stack.stackName}-${Aws.REGION}`,
      defaultInterval: Duration.hours(12),
    });
    dashboard.addWidgets(
      new AlarmStatusWidget({ title: 'Alarms', alarms: [...props.alarms], width: 24, height: 3 }),
    );
    const { describing, endpoint } = props;
    if (describing?.products !== undefined) {
      dashboard.addWidgets(...productGraphs(describing.products));
    }
    if (describing !== undefined) {
      dashboard.addWidgets(...functionGraphs(describing));
    }
    dashboard.addWidgets(...endpointGraphs(endpoint));
    this.name = dashboard.dashboardName;
  }
}

function graph(title: string, left: IMetric[], right: IMetric[] = []): IWidget {
  return new GraphWidget({ title, left, right, width: THIRD, height: 6, period: PERIOD });
}

function productGraphs(products: ProductMetrics): IWidget[] {
  const sum = (...names: ProductMetric[]) => names.map((name) => products.sum(name, PERIOD));
  const slow = (...names: ProductMetric[]) =>
    names.map((name) => products.percentile(name, 90, PERIOD));
  return [
    graph(
      'Products',
      sum(
        'ProductsDescribed',
        'ProductsHeld',
        'ProductsDropped',
        'ProductsSkipped',
        'ProductsFailed',
      ),
    ),
    graph('Times of products, ms', slow('ProductTime', 'AttributesTime', 'DescriptionTime')),
    graph('Bedrock: tokens, US dollars', sum('InputTokens', 'OutputTokens'), sum('CostUSD')),
    graph('Attributes without a sure answer', sum('Abstentions', 'UncertainAnswers')),
    graph('Faults of texts', sum('Unmentioned', 'Contradicted', 'UnsupportedClaims')),
    graph('Calls made again', sum('Retries', 'Throttles')),
  ];
}

function functionGraphs(parts: DescribingParts): IWidget[] {
  const sum = { statistic: Stats.SUM, period: PERIOD };
  const most = { statistic: Stats.MAXIMUM, period: PERIOD };
  const { api, deadLetters, uploads } = parts;
  return [
    graph(
      'Function: invocations, most at a time',
      [
        parts.function.metricInvocations(sum),
        parts.function.metricErrors(sum),
        parts.function.metricThrottles(sum),
      ],
      [parts.function.metric('ConcurrentExecutions', most)],
    ),
    graph(
      'Uploads: waiting, given up; oldest, s',
      [
        uploads.metricApproximateNumberOfMessagesVisible(most),
        deadLetters.metricApproximateNumberOfMessagesVisible({ ...most, label: 'given up' }),
      ],
      [uploads.metricApproximateAgeOfOldestMessage(most)],
    ),
    graph(
      'API: requests; time of nine of ten, ms',
      [api.metricCount(sum), api.metricClientError(sum), api.metricServerError(sum)],
      [api.metricLatency({ statistic: Stats.p(90), period: PERIOD })],
    ),
  ];
}

function endpointGraphs({ mode, names }: DashboardProps['endpoint']): IWidget[] {
  const request = (name: Parameters<typeof requestMetric>[1], statistic: string) =>
    requestMetric(names, name, { statistic, period: PERIOD });
  // SageMaker counts what instances do under a namespace of its own.
  const load = (metricName: string) =>
    new Metric({
      namespace: '/aws/sagemaker/Endpoints',
      metricName,
      dimensionsMap: { EndpointName: names.endpoint, VariantName: VARIANT_NAME },
      statistic: Stats.AVERAGE,
      period: PERIOD,
    });
  return [
    graph(
      'Endpoint: requests; time of nine of ten, µs',
      [request('Invocations', Stats.SUM), request('Invocation5XXErrors', Stats.SUM)],
      [request('ModelLatency', Stats.p(90)), request('OverheadLatency', Stats.p(90))],
    ),
    graph('Endpoint: load, %', [
      load('GPUUtilization'),
      load('GPUMemoryUtilization'),
      load('CPUUtilization'),
      load('MemoryUtilization'),
    ]),
    ...(mode === 'asynchronous'
      ? [graph('Endpoint: waiting', [backlogMetric(names.endpoint, 'ApproximateBacklogSize')])]
      : []),
  ];
}
