import { Duration } from 'aws-cdk-lib';
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { type EndpointNames, VARIANT_NAME } from './endpoint-names.ts';

const NAMESPACE = 'AWS/SageMaker';

/** What CloudWatch counts of the requests to an endpoint, by minute unless told otherwise. */
export function requestMetric(
  { endpoint, inferenceComponent }: EndpointNames,
  metricName: 'Invocation5XXErrors' | 'Invocations' | 'ModelLatency' | 'OverheadLatency',
  options: MetricOptions,
): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName,
    period: Duration.minutes(1),
    // Requests to an inference component are counted under its own name alone.
    dimensionsMap:
      inferenceComponent === undefined
        ? { EndpointName: endpoint, VariantName: VARIANT_NAME }
        : { InferenceComponentName: inferenceComponent },
    ...options,
  });
}

/** Calls that met an inference component without a copy. */
export function noCapacityMetric(inferenceComponent: string): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName: 'NoCapacityInvocationFailures',
    dimensionsMap: { InferenceComponentName: inferenceComponent },
    statistic: 'Sum',
    period: Duration.minutes(1),
  });
}

/** What waits at an asynchronous endpoint. */
export function backlogMetric(
  endpointName: string,
  metricName:
    | 'ApproximateAgeOfOldestRequest'
    | 'ApproximateBacklogSize'
    | 'ApproximateBacklogSizePerInstance'
    | 'HasBacklogWithoutCapacity',
): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { EndpointName: endpointName },
    statistic: 'Average',
    period: Duration.minutes(1),
  });
}

/**
 * What becomes of the requests to an asynchronous endpoint.
 * <https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html>
 */
export function asynchronousMetric(
  endpointName: string,
  metricName: 'ExpiredRequests' | 'InvocationFailures',
  options: MetricOptions,
): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { EndpointName: endpointName, VariantName: VARIANT_NAME },
    ...options,
  });
}
