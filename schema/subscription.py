"""The subscription root, composed of the subscriptions of each domain."""

import strawberry

from schema.answers.subscriptions import AnswerSubscriptions
from schema.change_feed.types import FeedSubscriptions


@strawberry.type(
    name="Subscription",
    description="All subscriptions, served at `/graphql/stream` as Server-Sent Events.",
)
class SubscriptionRoot(AnswerSubscriptions, FeedSubscriptions):
    pass
