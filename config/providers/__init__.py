"""The providers of text messages and calls that ship with the program, as data beside this file.

In: a channel of kind sms or voice. Out: the rules by which its provider is spoken to.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import ValidationError

from config.channel_schema import Channel, SmsChannel, VoiceChannel
from config.errors import ConfigError
from config.provider_schema import ProviderRules
from config.yaml_lines import read_document

# Where the channels that name no address of their own leave for.
_SLACK_HOOKS = "https://hooks.slack.com/services"
_SLACK_API = "https://slack.com/api"


def rules_of(channel: SmsChannel | VoiceChannel) -> ProviderRules:
    """Return how this channel's provider is spoken to, at the channel's own address if it has one.

    Errors: ConfigError when a shipped file is damaged.
    """
    rules = (
        _shipped(f"{channel.provider}_{channel.kind}")
        if isinstance(channel.provider, str)
        else channel.provider
    )
    return rules.model_copy(update={"url": channel.url}) if channel.url else rules


def address(channel: Channel) -> str:
    """Return the URL that a channel's messages are posted to, without its secret parts.

    "" where there is none: mail goes to a host and port, Apprise knows its own way.
    """
    match channel.kind:
        case "email" | "apprise":
            return ""
        case "sms" | "voice":
            return rules_of(channel).url
        case "slack":
            return channel.url or (_SLACK_HOOKS if channel.hook else _SLACK_API)
        case _:
            return channel.url


@cache
def _shipped(name: str) -> ProviderRules:
    file = f"{name}.yaml"
    document, problems = read_document(file, files(__package__).joinpath(file).read_bytes(), {})
    if document is None or problems:
        raise ConfigError(*(str(problem) for problem in problems))
    try:
        return ProviderRules.model_validate(document.value)
    except ValidationError as error:
        raise ConfigError(f"{file}: {error}") from error
