"""The root of streaming: what each domain contributes."""

import strawberry

from schema.change_feed.types import FeedSubscriptions


@strawberry.type(
    name="Subscription",
    description="Everything that can be listened to, at `/graphql/stream`, as Server-Sent Events.",
)
class SubscriptionRoot(FeedSubscriptions):
    pass
