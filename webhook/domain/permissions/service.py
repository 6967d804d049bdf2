"""What the service needs as it runs; see `table`."""

from webhook.domain.permissions.circumstances import Where
from webhook.domain.permissions.features import Feature, Use

_SES = "webhook/adapters/ses/client.py"
_AWS = "webhook/adapters/aws"
_TO = "webhook/adapters/destinations"

_ANY = (Where.ANY,)
_IDENTITIES = (Where.IDENTITIES,)
_TENANTS = (Where.TENANTS,)
_OWN_QUEUES = (Where.OWN_QUEUES,)
_IDENTITIES_AND_SETS = (Where.IDENTITIES, Where.SETS)
_TENANTS_RESOURCES = (Where.TENANTS, Where.IDENTITIES, Where.SETS)

DOMAINS: tuple[Feature, ...] = (
    Feature(
        sid="RegisterDomains",
        why="makes SES identities of new domains, changes them, and deletes those of removed ones",
        when="AWS_SES_AUTO_REGISTER is true",
        on=lambda here: here.registers,
        uses=(
            Use(
                _SES,
                "sesv2",
                {
                    "CreateEmailIdentity": _IDENTITIES,
                    "DeleteEmailIdentity": _IDENTITIES,
                    "PutEmailIdentityConfigurationSetAttributes": _IDENTITIES_AND_SETS,
                    "PutEmailIdentityDkimAttributes": _IDENTITIES,
                    "PutEmailIdentityMailFromAttributes": _IDENTITIES,
                },
            ),
        ),
    ),
    Feature(
        sid="FollowVerification",
        why="reads whether SES has verified the domains, and the account's limits and standing",
        when="always",
        on=lambda _: True,
        uses=(Use(_SES, "sesv2", {"GetEmailIdentity": _IDENTITIES, "ListEmailIdentities": _ANY, "GetAccount": _ANY}),),
    ),
    Feature(
        sid="KeepTenants",
        why="gives each domain a tenant of SES, and stops the tenant while its domain is paused",
        when="SES_TENANT_PREFIX is set",
        on=lambda here: bool(here.tenant_prefix),
        uses=(
            Use(
                _SES,
                "sesv2",
                {
                    "CreateTenant": _TENANTS,
                    "CreateTenantResourceAssociation": _TENANTS_RESOURCES,
                    "DeleteTenant": _TENANTS,
                    "DeleteTenantResourceAssociation": _TENANTS_RESOURCES,
                    "GetTenant": _TENANTS,
                    "UpdateReputationEntityCustomerManagedStatus": _TENANTS,
                },
            ),
        ),
    ),
    Feature(
        sid="PauseDomains",
        why="stops the configuration set of a domain that has one of its own while it is paused",
        when="always",
        on=lambda _: True,
        uses=(Use(_SES, "sesv2", {"PutConfigurationSetSendingOptions": (Where.SETS,)}),),
    ),
    Feature(
        sid="SendMail",
        why="sends mail that is handed to the API",
        when="AWS_SES_ENABLE_SENDING is true",
        on=lambda here: here.sends,
        uses=(Use(_SES, "sesv2", {"SendEmail": _IDENTITIES_AND_SETS}),),
    ),
)

MESSAGES: tuple[Feature, ...] = (
    Feature(
        sid="ConfirmSubscriptions",
        why="confirms subscriptions of our topics so that nobody else can end them",
        when="SNS_TOPIC_ARNS is set",
        on=lambda here: bool(here.topics),
        uses=(Use("webhook/adapters/confirmation.py", "sns", {"ConfirmSubscription": (Where.TOPICS,)}),),
    ),
    Feature(
        sid="ReadQueues",
        why="takes SNS's messages from queues",
        when="SQS_QUEUE_URLS is set",
        on=lambda here: bool(here.queues),
        uses=(
            Use(
                f"{_AWS}/inbox.py",
                "sqs",
                dict.fromkeys(
                    ("ChangeMessageVisibilityBatch", "DeleteMessageBatch", "GetQueueAttributes", "ReceiveMessage"),
                    (Where.QUEUES,),
                ),
            ),
        ),
    ),
    Feature(
        sid="CompareCounts",
        why="reads what SES and CloudWatch count themselves, and whom SES has suppressed",
        when="always",
        on=lambda _: True,
        uses=(
            Use(f"{_AWS}/figures.py", "sesv2", {"BatchGetMetricData": _ANY, "GetAccount": _ANY}),
            Use(f"{_AWS}/figures.py", "ses", {"GetSendStatistics": _ANY}),
            Use(f"{_AWS}/figures.py", "cloudwatch", {"GetMetricData": _ANY}),
            Use(
                f"{_AWS}/suppressed.py",
                "sesv2",
                {"GetSuppressedDestination": _ANY, "ListSuppressedDestinations": _ANY},
            ),
        ),
    ),
    Feature(
        sid="ReadSuppressions",
        why="takes over whom SES has suppressed",
        when="SES_SUPPRESSION_SYNC is pull or both",
        on=lambda here: here.reads_suppressions,
        uses=(
            Use(
                f"{_AWS}/suppressed.py",
                "sesv2",
                {"GetSuppressedDestination": _ANY, "ListSuppressedDestinations": _ANY},
            ),
        ),
    ),
    Feature(
        sid="WriteSuppressions",
        why="has SES suppress whom we suppress for all",
        when="SES_SUPPRESSION_SYNC is both",
        on=lambda here: here.writes_suppressions,
        uses=(
            Use(
                f"{_AWS}/suppressed.py",
                "sesv2",
                {"DeleteSuppressedDestination": _ANY, "PutSuppressedDestination": _ANY},
            ),
        ),
    ),
    Feature(
        sid="ReadDeadLetters",
        why="takes in what SNS could not deliver here, from setup's dead-letter queue",
        when="SNS_TOPIC_ARNS is set",
        on=lambda here: bool(here.topics),
        uses=(
            Use(
                f"{_AWS}/dead_letters.py",
                "sns",
                {
                    "GetSubscriptionAttributes": _ANY,
                    "ListSubscriptionsByTopic": (Where.TOPICS,),
                    "ListTopics": _ANY,
                },
            ),
            Use(f"{_AWS}/dead_letters.py", "sqs", {"GetQueueUrl": _OWN_QUEUES}),
            Use(
                f"{_AWS}/inbox.py",
                "sqs",
                dict.fromkeys(
                    ("ChangeMessageVisibilityBatch", "DeleteMessageBatch", "GetQueueAttributes", "ReceiveMessage"),
                    _OWN_QUEUES,
                ),
            ),
        ),
    ),
)

ALERTS: tuple[Feature, ...] = (
    Feature(
        sid="AlertTopics",
        why="publishes alerts to topics",
        when="an alert endpoint is an SNS topic",
        on=lambda here: bool(here.alert_topics),
        uses=(Use(f"{_TO}/sns.py", "sns", {"Publish": (Where.ALERT_TOPICS,)}),),
    ),
    Feature(
        sid="AlertQueues",
        why="sends alerts to queues",
        when="an alert endpoint is an SQS queue",
        on=lambda here: bool(here.alert_queues),
        uses=(Use(f"{_TO}/sqs.py", "sqs", {"SendMessage": (Where.ALERT_QUEUES,)}),),
    ),
    Feature(
        sid="AlertBuses",
        why="puts alerts on event buses",
        when="an alert endpoint is an EventBridge bus",
        on=lambda here: bool(here.alert_buses),
        uses=(Use(f"{_TO}/eventbridge.py", "events", {"PutEvents": (Where.ALERT_BUSES,)}),),
    ),
    Feature(
        sid="AlertMail",
        why="sends alerts by e-mail",
        when="ALERT_EMAIL_FROM is set and ALERT_SMTP_URL is not",
        on=lambda here: bool(here.alert_sender),
        uses=(Use(f"{_TO}/ses.py", "sesv2", {"SendEmail": (Where.ALERT_SENDER,)}),),
    ),
)
