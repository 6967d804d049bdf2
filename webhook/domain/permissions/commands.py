"""What only people's commands need; see `table`."""

from webhook.domain.permissions.circumstances import Where
from webhook.domain.permissions.features import Audience, Feature, Use

_AWS = "webhook/adapters/aws"
_WHEN = "always; `--for service` leaves it out"

_ANY = (Where.ANY,)
_SELF = (Where.SELF,)
_IDENTITIES = (Where.IDENTITIES,)
_IDENTITIES_AND_SETS = (Where.IDENTITIES, Where.SETS)
_OWN_SET = (Where.OWN_SET,)
_OWN_TOPIC = (Where.OWN_TOPIC,)
_OWN_QUEUES = (Where.OWN_QUEUES,)
_OWN_RULES = (Where.OWN_RULES,)
_ALL_TOPICS = (Where.ALL_TOPICS,)
_ALL_QUEUES = (Where.ALL_QUEUES,)

SETUP = Feature(
    sid="SetUp",
    why="`setup` makes, changes and takes away what brings SES's events here",
    when=_WHEN,
    on=lambda _: True,
    audience=Audience.COMMANDS,
    uses=(
        Use(f"{_AWS}/whoami.py", "sts", {"GetCallerIdentity": _ANY}),
        Use(
            f"{_AWS}/topics.py",
            "sns",
            dict.fromkeys(
                ("CreateTopic", "DeleteTopic", "GetTopicAttributes", "ListTagsForResource", "SetTopicAttributes"),
                _OWN_TOPIC,
            ),
        ),
        Use(
            f"{_AWS}/subscriptions.py",
            "sns",
            {
                "GetSubscriptionAttributes": _ANY,
                "ListSubscriptionsByTopic": _OWN_TOPIC,
                "SetSubscriptionAttributes": _ANY,
                "Subscribe": _OWN_TOPIC,
                "Unsubscribe": _ANY,
            },
        ),
        Use(
            f"{_AWS}/queues.py",
            "sqs",
            dict.fromkeys(
                (
                    "CreateQueue",
                    "DeleteQueue",
                    "GetQueueAttributes",
                    "GetQueueUrl",
                    "ListQueueTags",
                    "SetQueueAttributes",
                ),
                _OWN_QUEUES,
            ),
        ),
        Use(
            f"{_AWS}/rules.py",
            "events",
            dict.fromkeys(
                (
                    "DeleteRule",
                    "DescribeRule",
                    "ListTagsForResource",
                    "ListTargetsByRule",
                    "PutRule",
                    "PutTargets",
                    "RemoveTargets",
                ),
                _OWN_RULES,
            ),
        ),
        Use(
            f"{_AWS}/sets.py",
            "sesv2",
            dict.fromkeys(
                (
                    "CreateConfigurationSet",
                    "CreateConfigurationSetEventDestination",
                    "DeleteConfigurationSet",
                    "DeleteConfigurationSetEventDestination",
                    "GetConfigurationSet",
                    "PutConfigurationSetReputationOptions",
                    "UpdateConfigurationSetEventDestination",
                ),
                _OWN_SET,
            )
            # Before a set is taken away it is looked who else's are like it.
            | {"GetConfigurationSetEventDestinations": (Where.SETS,)},
        ),
        Use(
            f"{_AWS}/identities.py",
            "sesv2",
            {
                "GetEmailIdentity": _IDENTITIES,
                "ListEmailIdentities": _ANY,
                "PutEmailIdentityConfigurationSetAttributes": _IDENTITIES_AND_SETS,
            },
        ),
        Use(f"{_AWS}/dependents.py", "events", {"ListRuleNamesByTarget": _ANY}),
        Use(f"{_AWS}/dependents.py", "ses", {"GetIdentityNotificationAttributes": _ANY}),
        Use(f"{_AWS}/dependents.py", "sesv2", {"ListConfigurationSets": _ANY}),
        Use(f"{_AWS}/dependents.py", "sqs", {"ListDeadLetterSourceQueues": _OWN_QUEUES}),
    ),
)

DOCTOR = Feature(
    sid="Examine",
    why="`doctor` reads the whole way from SES to here",
    when=_WHEN,
    on=lambda _: True,
    audience=Audience.COMMANDS,
    uses=(
        Use(
            f"{_AWS}/survey.py",
            "sesv2",
            {
                "GetAccount": _ANY,
                "GetConfigurationSet": (Where.SETS,),
                "GetConfigurationSetEventDestinations": (Where.SETS,),
                "GetEmailIdentity": _IDENTITIES,
                "ListEmailIdentities": _ANY,
            },
        ),
        Use(f"{_AWS}/survey.py", "ses", {"GetIdentityNotificationAttributes": _ANY}),
        Use(f"{_AWS}/survey.py", "sts", {"GetCallerIdentity": _ANY}),
        Use(
            f"{_AWS}/survey_rules.py",
            "events",
            {"ListRules": _ANY, "ListTargetsByRule": (Where.ALL_RULES,)},
        ),
        Use(
            f"{_AWS}/survey_topics.py",
            "sns",
            {
                "GetSubscriptionAttributes": _ANY,
                "GetTopicAttributes": _ALL_TOPICS,
                "ListSubscriptions": _ANY,
                "ListSubscriptionsByTopic": _ALL_TOPICS,
                "ListTopics": _ANY,
            },
        ),
        Use(f"{_AWS}/survey_topics.py", "sqs", {"GetQueueAttributes": _ALL_QUEUES, "GetQueueUrl": _ALL_QUEUES}),
        Use(
            f"{_AWS}/survey_topics.py",
            "kms",
            {"DescribeKey": (Where.ALL_KEYS,), "GetKeyPolicy": (Where.ALL_KEYS,)},
        ),
    ),
)

LIVE = Feature(
    sid="TryLive",
    why="`doctor --live` sends mail to SES's mailbox simulator, and reads what SNS counted of it",
    when=_WHEN,
    on=lambda _: True,
    audience=Audience.COMMANDS,
    uses=(
        Use("webhook/adapters/ses/client.py", "sesv2", {"SendEmail": _IDENTITIES_AND_SETS}),
        Use(f"{_AWS}/links.py", "cloudwatch", {"GetMetricData": _ANY}),
    ),
)

CHECK = Feature(
    sid="CheckPolicy",
    why="`policy --check` has IAM tell what these credentials may do",
    when=_WHEN,
    on=lambda _: True,
    audience=Audience.COMMANDS,
    uses=(
        Use(f"{_AWS}/permissions.py", "sts", {"GetCallerIdentity": _ANY}),
        Use(f"{_AWS}/permissions.py", "iam", {"GetRole": _SELF, "SimulatePrincipalPolicy": _SELF}),
        # Without the two it tries calls that change nothing, if they are wanted at all.
        Use(
            f"{_AWS}/permissions.py",
            "sesv2",
            dict.fromkeys(
                ("GetAccount", "ListConfigurationSets", "ListEmailIdentities", "ListSuppressedDestinations"), _ANY
            ),
            granted=False,
        ),
        Use(f"{_AWS}/permissions.py", "ses", {"GetSendStatistics": _ANY}, granted=False),
        Use(f"{_AWS}/permissions.py", "sns", {"ListTopics": _ANY}, granted=False),
        Use(f"{_AWS}/permissions.py", "events", {"ListRules": _ANY}, granted=False),
    ),
)
