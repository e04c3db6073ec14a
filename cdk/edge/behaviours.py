"""How CloudFront treats what passes: what it keeps, what it adds, which page a path means."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3

from cdk.edge.origin import ORIGIN_HEADER, origin_secret_reference
from cdk.environment import Environment

# Seconds that CloudFront waits for the gateway: the most without a raised quota. The gateway's 29 come first.
MAX_READ_SECONDS = 60
# Seconds that an answer to a GET may be kept, if the service itself says so in Cache-Control.
MAX_CACHE_SECONDS = 60

# What GraphiQL needs; a page of it has no policy of its own in a bucket.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; font-src 'self' data:; img-src 'self' data:; style-src 'self' 'unsafe-inline';"
    " worker-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'"
)

# A path that ends with / is a folder, whose page is its index. One without a name leads there, so that addresses that
# are relative to the page are right; `./` keeps a name with a colon from being another site.
INDEX = """function handler(event) {
  var request = event.request;
  var last = request.uri.split('/').pop();
  if (last === '') {
    request.uri += 'index.html';
  } else if (last.indexOf('.') < 0) {
    return {
      statusCode: 308,
      statusDescription: 'Permanent Redirect',
      headers: { location: { value: './' + last + '/' } }
    };
  }
  return request;
}
"""


def security_headers(stack: Stack, name: str) -> cloudfront.ResponseHeadersPolicy:
    """The headers that every answer carries."""
    year = Duration.days(365)
    return cloudfront.ResponseHeadersPolicy(
        stack,
        "SecurityHeaders",
        response_headers_policy_name=f"stackflow-{name}-security",
        security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
            strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                access_control_max_age=year, include_subdomains=True, override=True
            ),
            content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
            frame_options=cloudfront.ResponseHeadersFrameOptions(
                frame_option=cloudfront.HeadersFrameOption.DENY, override=True
            ),
            referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
            ),
            # A page may be stricter than this.
            content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                content_security_policy=CONTENT_SECURITY_POLICY, override=False
            ),
        ),
    )


def api_cache_policy(stack: Stack, name: str) -> cloudfront.CachePolicy:
    """GETs of persisted documents, kept only if the service says so, and never for another token's bearer."""
    return cloudfront.CachePolicy(
        stack,
        "Answers",
        cache_policy_name=f"stackflow-{name}-answers",
        comment="GraphQL over GET, for as long as Cache-Control allows, one copy for each token",
        min_ttl=Duration.seconds(0),
        default_ttl=Duration.seconds(0),
        max_ttl=Duration.seconds(MAX_CACHE_SECONDS),
        query_string_behavior=cloudfront.CacheQueryStringBehavior.all(),
        # Who must see a write shares no answer with who need not: not a kept one, and none that others wait for.
        header_behavior=cloudfront.CacheHeaderBehavior.allow_list("Authorization", "Accept", "x-stackflow-as-of"),
        cookie_behavior=cloudfront.CacheCookieBehavior.none(),
        enable_accept_encoding_gzip=True,
        enable_accept_encoding_brotli=True,
    )


def index_pages(stack: Stack, name: str) -> cloudfront.Function:
    """The function by which `/explorer` is a page."""
    return cloudfront.Function(
        stack,
        "IndexPages",
        function_name=f"stackflow-{name}-index-pages",
        runtime=cloudfront.FunctionRuntime.JS_2_0,
        code=cloudfront.FunctionCode.from_inline(INDEX),
    )


def api_behaviour(
    environment: Environment,
    domain: str,
    kept: cloudfront.ICachePolicy,
    headers: cloudfront.IResponseHeadersPolicy,
) -> cloudfront.BehaviorOptions:
    """Everything passes to the gateway, by TLS 1.2, with the origin's secret; its own host name, not the viewer's."""
    return cloudfront.BehaviorOptions(
        origin=origins.HttpOrigin(
            domain,
            origin_path=f"/{environment.functions.stage}",
            custom_headers={ORIGIN_HEADER: origin_secret_reference(environment)},
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
            read_timeout=Duration.seconds(MAX_READ_SECONDS),
        ),
        allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        cache_policy=kept,
        origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        response_headers_policy=headers,
        compress=True,
    )


def pages_behaviour(
    bucket: s3.IBucket, index: cloudfront.IFunction, headers: cloudfront.IResponseHeadersPolicy
) -> cloudfront.BehaviorOptions:
    """Pages from a bucket that only this distribution reads."""
    return cloudfront.BehaviorOptions(
        origin=origins.S3BucketOrigin.with_origin_access_control(bucket),
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
        response_headers_policy=headers,
        function_associations=[
            cloudfront.FunctionAssociation(function=index, event_type=cloudfront.FunctionEventType.VIEWER_REQUEST)
        ],
        compress=True,
    )
