import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { asText, templateOf } from './support.ts';

/** Each route with its authorisation. */
function routes(template: Template): string[] {
  return Object.values(template.findResources('AWS::ApiGatewayV2::Route')).map(({ Properties }) => {
    const { RouteKey, AuthorizationType } = Properties as Record<string, string>;
    return `${String(RouteKey)}: ${String(AuthorizationType)}`;
  });
}

describe('descriptions API', () => {
  const template = templateOf();

  it('has a route for one product and one for many, both for signed requests', () => {
    assert.deepEqual(routes(template), [
      'POST /descriptions: AWS_IAM',
      'POST /descriptions:batch: AWS_IAM',
    ]);
  });

  it('is open where the settings say so', () => {
    assert.deepEqual(routes(templateOf({ api: { authorization: 'none' } })), [
      'POST /descriptions: NONE',
      'POST /descriptions:batch: NONE',
    ]);
  });

  it('takes the tokens of one issuer where the settings say so', () => {
    const jwt = { issuer: 'https://login.example/', audience: ['lookbook'], scopes: ['describe'] };
    const template = templateOf({ api: { authorization: 'jwt', jwt } });
    assert.deepEqual(routes(template), [
      'POST /descriptions: JWT',
      'POST /descriptions:batch: JWT',
    ]);
    template.resourceCountIs('AWS::ApiGatewayV2::Authorizer', 1);
    template.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      AuthorizerType: 'JWT',
      IdentitySource: ['$request.header.Authorization'],
      JwtConfiguration: { Issuer: jwt.issuer, Audience: jwt.audience },
    });
    template.allResourcesProperties('AWS::ApiGatewayV2::Route', {
      AuthorizationScopes: ['describe'],
    });
    const anyScope = templateOf({
      api: { authorization: 'jwt', jwt: { ...jwt, scopes: [] } },
    });
    anyScope.allResourcesProperties('AWS::ApiGatewayV2::Route', {
      AuthorizationScopes: Match.absent(),
    });
  });

  it('has a domain of its own where the settings name one, and a record of it in its zone', () => {
    const certificateArn = 'arn:aws:acm:eu-west-1:111122223333:certificate/1-2';
    const domain = { name: 'descriptions.shop.example', certificateArn };
    const without = templateOf({ api: { domain: { ...domain, hostedZone: null } } });
    without.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      DomainName: domain.name,
      DomainNameConfigurations: [
        { CertificateArn: certificateArn, EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' },
      ],
    });
    without.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', { Stage: '$default' });
    without.resourceCountIs('AWS::Route53::RecordSet', 0);
    without.hasOutput('DomainTarget', {});
    without.hasOutput('DescriptionsUrl', { Value: `https://${domain.name}/descriptions` });
    const hostedZone = { id: 'Z0123456789ABC', name: 'shop.example' };
    templateOf({ api: { domain: { ...domain, hostedZone } } }).hasResourceProperties(
      'AWS::Route53::RecordSet',
      {
        Name: 'descriptions.shop.example.',
        Type: 'A',
        HostedZoneId: hostedZone.id,
        AliasTarget: Match.objectLike({ HostedZoneId: Match.anyValue() }),
      },
    );
    assert.deepEqual(template.findOutputs('DomainTarget'), {});
    template.resourceCountIs('AWS::ApiGatewayV2::DomainName', 0);
  });

  it('can be called by pages of the origins of the settings, and by no others', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Api', { CorsConfiguration: Match.absent() });
    const allowedOrigins = ['https://shop.example'];
    const cors = {
      AllowOrigins: allowedOrigins,
      AllowMethods: ['POST'],
      AllowHeaders: Match.arrayWith(['content-type', 'idempotency-key']),
      AllowCredentials: Match.absent(),
      ExposeHeaders: ['idempotency-ignored', 'idempotency-replayed', 'retry-after'],
    };
    const api = 'AWS::ApiGatewayV2::Api';
    const signed = templateOf({ api: { allowedOrigins } });
    signed.hasResourceProperties(api, { CorsConfiguration: cors });
    signed.hasResourceProperties(api, {
      CorsConfiguration: { AllowHeaders: Match.arrayWith(['authorization', 'x-amz-date']) },
    });
    const jwt = { issuer: 'https://login.example/', audience: ['lookbook'], scopes: [] };
    templateOf({ api: { allowedOrigins, authorization: 'jwt', jwt } }).hasResourceProperties(api, {
      CorsConfiguration: {
        AllowHeaders: Match.not(Match.arrayWith(['x-amz-date'])),
        ExposeHeaders: Match.anyValue(),
      },
    });
    const open = templateOf({ api: { allowedOrigins, authorization: 'none' } });
    open.hasResourceProperties(api, {
      CorsConfiguration: { ...cors, AllowHeaders: Match.not(Match.arrayWith(['authorization'])) },
    });
    // Preflight requests are API Gateway's own: no route is open for them.
    assert.equal(routes(signed).length, 2);
  });

  it('hands the request to the function in payload format 2.0', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      IntegrationType: 'AWS_PROXY',
      PayloadFormatVersion: '2.0',
      IntegrationUri: { Ref: Match.stringLikeRegexp('^DescribeLive') },
    });
  });

  it('may invoke the function, whatever the route, and nobody else may', () => {
    const [permission, ...others] = Object.values(
      template.findResources('AWS::Lambda::Permission'),
    ).map(({ Properties }) => Properties as { Principal: string; SourceArn: unknown });
    assert.deepEqual(others, []);
    assert.equal(permission?.Principal, 'apigateway.amazonaws.com');
    assert.match(asText(permission.SourceArn), /:\$\{AWS::AccountId\}:\$\{Api\w+\}\/\*\/\*\/\*$/);
  });

  it('throttles and logs every request, on both routes', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      StageName: '$default',
      AutoDeploy: true,
      RouteSettings: Match.absent(),
      DefaultRouteSettings: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 },
      AccessLogSettings: {
        DestinationArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^ApiAccessLog'), 'Arn'] },
        Format: Match.serializedJson(Match.objectLike({ requestId: '$context.requestId' })),
      },
    });
  });

  it('keeps every log as long as the settings say', () => {
    const groups = Object.values(
      templateOf({ stack: { logRetentionDays: 7 } }).findResources('AWS::Logs::LogGroup'),
    );
    assert.equal(groups.length, 3);
    for (const { Properties } of groups) {
      assert.equal((Properties as { RetentionInDays: number }).RetentionInDays, 7);
    }
  });
});
