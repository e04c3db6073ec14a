"""CloudFront's behaviours: caching, added headers, and index pages."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3

from cdk.edge.origin import ORIGIN_HEADER, origin_secret_reference
from cdk.environment import Environment

# Seconds that CloudFront waits for the gateway: the maximum without a raised quota. The gateway's 29 s end earlier.
MAX_READ_SECONDS = 60
# The maximum cache time of a GET response, in seconds, if the service allows it by Cache-Control.
MAX_CACHE_SECONDS = 60

# The requirements of GraphiQL; its pages in the bucket have no policy of their own.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; font-src 'self' data:; img-src 'self' data:; style-src 'self' 'unsafe-inline';"
    " worker-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'"
)

# A path that ends with / is a folder and returns its index page. A path without a file extension is redirected to the
# folder, so that relative URLs work; `./` prevents that a name with a colon is read as another site.
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
    """Create the security headers of every response."""
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
            # The service may send a stricter policy.
            content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                content_security_policy=CONTENT_SECURITY_POLICY, override=False
            ),
        ),
    )


def api_cache_policy(stack: Stack, name: str) -> cloudfront.CachePolicy:
    """Create the cache policy of persisted documents by GET: cached only if the service allows it, and per token."""
    return cloudfront.CachePolicy(
        stack,
        "Answers",
        cache_policy_name=f"stackflow-{name}-answers",
        comment="GraphQL over GET, for as long as Cache-Control allows, one copy for each token",
        min_ttl=Duration.seconds(0),
        default_ttl=Duration.seconds(0),
        max_ttl=Duration.seconds(MAX_CACHE_SECONDS),
        query_string_behavior=cloudfront.CacheQueryStringBehavior.all(),
        # In the cache key: a caller that must see a write must not share a response with others, cached or in flight.
        header_behavior=cloudfront.CacheHeaderBehavior.allow_list("Authorization", "Accept", "x-stackflow-as-of"),
        cookie_behavior=cloudfront.CacheCookieBehavior.none(),
        enable_accept_encoding_gzip=True,
        enable_accept_encoding_brotli=True,
    )


def index_pages(stack: Stack, name: str) -> cloudfront.Function:
    """Create the function that serves `/explorer` as a page."""
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
    cache_policy: cloudfront.ICachePolicy,
    headers: cloudfront.IResponseHeadersPolicy,
) -> cloudfront.BehaviorOptions:
    """Forward everything to the gateway, by TLS 1.2, with the origin secret and the gateway's own host name."""
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
        cache_policy=cache_policy,
        origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        response_headers_policy=headers,
        compress=True,
    )


def pages_behaviour(
    bucket: s3.IBucket, index: cloudfront.IFunction, headers: cloudfront.IResponseHeadersPolicy
) -> cloudfront.BehaviorOptions:
    """Serve pages from a bucket that only this distribution can read."""
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
