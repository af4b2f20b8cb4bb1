import { DomainName, SecurityPolicy } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';

/** Settings of an {@link ApiDomain}. */
export interface ApiDomainProps {
  /** The domain, such as `descriptions.shop.example`. */
  readonly name: string;
  /** Its certificate in ACM, in the region of the API. */
  readonly certificateArn: string;
  /**
   * The zone of Route 53 that is given a record of the domain.
   *
   * @default - none: the record is made elsewhere, by hand
   */
  readonly hostedZone?: { readonly id: string; readonly name: string };
}

/** A domain of one's own in front of an API. */
export class ApiDomain extends Construct {
  readonly domainName: DomainName;

  constructor(scope: Construct, id: string, props: ApiDomainProps) {
    super(scope, id);
    this.domainName = new DomainName(this, 'Name', {
      domainName: props.name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', props.certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    if (props.hostedZone !== undefined) {
      const { id: hostedZoneId, name: zoneName } = props.hostedZone;
      new ARecord(this, 'Record', {
        zone: HostedZone.fromHostedZoneAttributes(this, 'Zone', { hostedZoneId, zoneName }),
        recordName: props.name,
        target: RecordTarget.fromAlias(
          new ApiGatewayv2DomainProperties(
            this.domainName.regionalDomainName,
            this.domainName.regionalHostedZoneId,
          ),
        ),
      });
    }
  }
}
