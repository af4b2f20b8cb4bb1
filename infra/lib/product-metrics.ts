import type { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';

/** The namespace of the function's metrics unless its environment names another. */
export const DEFAULT_METRICS_NAMESPACE = 'Lookbook';

/** The one dimension of the function's metrics. */
export const FUNCTION_DIMENSION = 'FunctionName';

/**
 * The metrics that the function writes into its log and that are looked at here. What each means is
 * in `docs/telemetry.md`; a test compares the names with those in the function's source.
 */
export const PRODUCT_METRICS = [
  'ProductsDescribed',
  'ProductsHeld',
  'ProductsDropped',
  'ProductsSkipped',
  'ProductsFailed',
  'ProductTime',
  'AttributesTime',
  'DescriptionTime',
  'Abstentions',
  'UncertainAnswers',
  'Unmentioned',
  'Contradicted',
  'UnsupportedClaims',
  'InputTokens',
  'OutputTokens',
  'CostUSD',
  'Retries',
  'Throttles',
] as const;

/** A metric of the function's own. */
export type ProductMetric = (typeof PRODUCT_METRICS)[number];

/** The namespace that the function writes to; `undefined` where its environment turns metrics off. */
export function metricsNamespace(
  environment: Readonly<Record<string, string>>,
): string | undefined {
  const namespace = environment.METRICS_NAMESPACE ?? DEFAULT_METRICS_NAMESPACE;
  return namespace === 'none' ? undefined : namespace;
}

/** The metrics of one function. */
export class ProductMetrics {
  private readonly namespace: string;
  private readonly functionName: string;

  constructor(namespace: string, functionName: string) {
    this.namespace = namespace;
    this.functionName = functionName;
  }

  sum(name: ProductMetric, period: Duration): Metric {
    return this.metric(name, Stats.SUM, period);
  }

  /** The value under which `percent` of all are. */
  percentile(name: ProductMetric, percent: number, period: Duration): Metric {
    return this.metric(name, Stats.p(percent), period);
  }

  private metric(metricName: ProductMetric, statistic: string, period: Duration): Metric {
    return new Metric({
      namespace: this.namespace,
      metricName,
      dimensionsMap: { [FUNCTION_DIMENSION]: this.functionName },
      statistic,
      period,
    });
  }
}
