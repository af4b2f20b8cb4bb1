import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { templateOf } from './support.ts';

const ROUTE = 'AWS::ApiGatewayV2::Route';

describe('descriptions API', () => {
  const template = templateOf();

  it('has one route, for signed requests', () => {
    template.resourceCountIs(ROUTE, 1);
    template.hasResourceProperties(ROUTE, {
      RouteKey: 'POST /descriptions',
      AuthorizationType: 'AWS_IAM',
    });
  });

  it('is open where the settings say so', () => {
    templateOf({ api: { authorization: 'none' } }).hasResourceProperties(ROUTE, {
      AuthorizationType: 'NONE',
    });
  });

  it('hands the request to the function in payload format 2.0', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      IntegrationType: 'AWS_PROXY',
      PayloadFormatVersion: '2.0',
      IntegrationUri: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DescribeFunction'), 'Arn'] },
    });
  });

  it('throttles and logs every request', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      StageName: '$default',
      AutoDeploy: true,
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
