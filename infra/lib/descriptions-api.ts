import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
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
  readonly logRetention: RetentionDays;
}

/** The HTTP API: `POST /descriptions`. */
export class DescriptionsApi extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, props: DescriptionsApiProps) {
    super(scope, id);
    const api = new HttpApi(this, 'Api', {
      apiName: `${Stack.of(this).stackName}-descriptions`,
      description: 'Attributes and descriptions of products from their photos',
      createDefaultStage: false,
    });
    const path = '/descriptions';
    api.addRoutes({
      path,
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration('Describe', props.handler),
      authorizer:
        props.authorization === 'iam' ? new HttpIamAuthorizer() : new HttpNoneAuthorizer(),
    });
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
    this.url = `${api.apiEndpoint}${path}`;
  }
}
