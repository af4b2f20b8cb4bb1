import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CorsHttpMethod,
  type CorsPreflightOptions,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/** Settings of a {@link DescriptionsApi}. */
export interface DescriptionsApiProps {
  readonly handler: IFunction;
  /** `iam`: requests are signed by a principal that may call the API. `none`: anybody may call. */
  readonly authorization: 'iam' | 'none';
  /** Requests a second that are let through over time; the others get 429. */
  readonly requestsPerSecond: number;
  /** Requests that may come at once. */
  readonly burst: number;
  /** The origins whose pages may call the API from a browser; none where it is empty. */
  readonly allowedOrigins: readonly string[];
  readonly logRetention: RetentionDays;
}

/** The path of one product, and that of up to 100 at once. Throttled together, by the stage. */
const DESCRIPTIONS = '/descriptions';
const BATCH = '/descriptions:batch';

/** What a page may send beside the headers that every page may send, … */
const REQUEST_HEADERS = ['content-type', 'idempotency-key', 'traceparent', 'tracestate'];
/** … and where requests are signed. */
const SIGNATURE_HEADERS = [
  'authorization',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
];
/** What it may read of an answer. */
const RESPONSE_HEADERS = ['idempotency-replayed', 'retry-after'];

/** The HTTP API: `POST /descriptions` and `POST /descriptions:batch`. */
export class DescriptionsApi extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, props: DescriptionsApiProps) {
    super(scope, id);
    const api = new HttpApi(this, 'Api', {
      apiName: `${Stack.of(this).stackName}-descriptions`,
      description: 'Attributes and descriptions of products from their photos',
      createDefaultStage: false,
      corsPreflight: corsPreflight(props),
    });
    // The permission to invoke is the API's and not a route's: every route goes to the function,
    // and a path with a colon is better kept out of an ARN, whose separator it is.
    const integration = new HttpLambdaIntegration('Describe', props.handler, {
      scopePermissionToRoute: false,
    });
    const authorizer =
      props.authorization === 'iam' ? new HttpIamAuthorizer() : new HttpNoneAuthorizer();
    for (const path of [DESCRIPTIONS, BATCH]) {
      api.addRoutes({ path, methods: [HttpMethod.POST], integration, authorizer });
    }
    new HttpStage(this, 'Stage', {
      httpApi: api,
      autoDeploy: true,
      throttle: { rateLimit: props.requestsPerSecond, burstLimit: props.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(
          new LogGroup(this, 'AccessLog', {
            retention: props.logRetention,
            removalPolicy: RemovalPolicy.DESTROY,
          }),
        ),
        format: AccessLogFormat.custom(
          JSON.stringify({
            requestId: '$context.requestId',
            time: '$context.requestTime',
            sourceIp: '$context.identity.sourceIp',
            route: '$context.routeKey',
            status: '$context.status',
            responseBytes: '$context.responseLength',
            latencyMs: '$context.responseLatency',
            error: '$context.error.message',
            integrationError: '$context.integrationErrorMessage',
          }),
        ),
      },
    });
    this.url = `${api.apiEndpoint}${DESCRIPTIONS}`;
  }
}

/** API Gateway answers preflight requests itself: they reach neither authorizer nor function. */
function corsPreflight({
  allowedOrigins,
  authorization,
}: DescriptionsApiProps): CorsPreflightOptions | undefined {
  if (allowedOrigins.length === 0) {
    return undefined;
  }
  return {
    allowOrigins: [...allowedOrigins],
    allowMethods: [CorsHttpMethod.POST],
    allowHeaders: [...REQUEST_HEADERS, ...(authorization === 'iam' ? SIGNATURE_HEADERS : [])],
    exposeHeaders: RESPONSE_HEADERS,
    maxAge: Duration.hours(1),
  };
}
