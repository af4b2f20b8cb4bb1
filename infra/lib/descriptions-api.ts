import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CorsHttpMethod,
  type CorsPreflightOptions,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpStage,
  type IHttpRouteAuthorizer,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { type Alarm, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { thresholdAlarm } from './alarm.ts';
import { apiNameOf } from './api-name.ts';
import { ApiDomain, type ApiDomainProps } from './api-domain.ts';

/** Whose tokens are taken: JSON Web Tokens in the header `Authorization`. */
export interface JwtAuthorization {
  /** The `iss` of the tokens; its OpenID configuration tells API Gateway the keys. */
  readonly issuer: string;
  /** A token is for one of them, by its `aud` or `client_id`. */
  readonly audience: readonly string[];
  /** A token has one of them, by its `scope`; none is asked for where it is empty. */
  readonly scopes: readonly string[];
}

/** Settings of a {@link DescriptionsApi}. */
export interface DescriptionsApiProps {
  readonly handler: IFunction;
  /**
   * `iam`: requests are signed by a principal that may call the API. `none`: anybody may call.
   * Otherwise they carry a token.
   */
  readonly authorization: 'iam' | 'none' | JwtAuthorization;
  /** Requests a second that are let through over time; the others get 429. */
  readonly requestsPerSecond: number;
  /** Requests that may come at once. */
  readonly burst: number;
  /** The origins whose pages may call the API from a browser; none where it is empty. */
  readonly allowedOrigins: readonly string[];
  /**
   * A domain of one's own under which the API is called.
   *
   * @default - API Gateway's address alone
   */
  readonly domain?: ApiDomainProps;
  readonly logRetention: RetentionDays;
  /** Answers with 5xx in five minutes, from which on an alarm is raised. */
  readonly errorsPer5Minutes: number;
  /**
   * Who is told of the alarm.
   *
   * @default - nobody; CloudWatch shows it
   */
  readonly alarmTopic?: ITopic;
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
const RESPONSE_HEADERS = ['idempotency-ignored', 'idempotency-replayed', 'retry-after'];

/** The HTTP API: `POST /descriptions` and `POST /descriptions:batch`. */
export class DescriptionsApi extends Construct {
  readonly url: string;
  readonly api: HttpApi;
  readonly alarms: readonly Alarm[];
  /** What the domain's DNS record has to point to, where there is a domain. */
  readonly domainTarget: string | undefined;

  constructor(scope: Construct, id: string, props: DescriptionsApiProps) {
    super(scope, id);
    this.api = new HttpApi(this, 'Api', {
      apiName: apiNameOf(Stack.of(this).stackName),
      description: 'Attributes and descriptions of products from their photos',
      createDefaultStage: false,
      corsPreflight: corsPreflight(props),
    });
    // The permission to invoke is the API's and not a route's: every route goes to the function,
    // and a path with a colon is better kept out of an ARN, whose separator it is.
    const integration = new HttpLambdaIntegration('Describe', props.handler, {
      scopePermissionToRoute: false,
    });
    const authorizer = authorizerOf(props.authorization);
    const { authorization } = props;
    for (const path of [DESCRIPTIONS, BATCH]) {
      this.api.addRoutes({
        path,
        methods: [HttpMethod.POST],
        integration,
        authorizer,
        authorizationScopes: typeof authorization === 'string' ? [] : [...authorization.scopes],
      });
    }
    const domain = props.domain && new ApiDomain(this, 'Domain', props.domain);
    new HttpStage(this, 'Stage', {
      httpApi: this.api,
      autoDeploy: true,
      domainMapping: domain && { domainName: domain.domainName },
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
    const address = props.domain ? `https://${props.domain.name}` : this.api.apiEndpoint;
    this.url = `${address}${DESCRIPTIONS}`;
    this.domainTarget = domain?.domainName.regionalDomainName;
    this.alarms = [
      thresholdAlarm(this, 'Errors', {
        description:
          'Calls of the API fail: the access log says which, the log of the function why',
        metric: this.api.metricServerError({
          statistic: Stats.SUM,
          period: Duration.minutes(5),
        }),
        threshold: props.errorsPer5Minutes,
        topic: props.alarmTopic,
      }),
    ];
  }
}

function authorizerOf(authorization: DescriptionsApiProps['authorization']): IHttpRouteAuthorizer {
  switch (authorization) {
    case 'iam':
      return new HttpIamAuthorizer();
    case 'none':
      return new HttpNoneAuthorizer();
    default:
      return new HttpJwtAuthorizer('Tokens', authorization.issuer, {
        jwtAudience: [...authorization.audience],
      });
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
    allowHeaders: [...REQUEST_HEADERS, ...credentialHeaders(authorization)],
    exposeHeaders: RESPONSE_HEADERS,
    maxAge: Duration.hours(1),
  };
}

function credentialHeaders(authorization: DescriptionsApiProps['authorization']): string[] {
  switch (authorization) {
    case 'iam':
      return SIGNATURE_HEADERS;
    case 'none':
      return [];
    default:
      return ['authorization'];
  }
}
