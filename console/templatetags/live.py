"""Parts of a page that stay true while it is open."""

from typing import Any
from urllib.parse import urlencode

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_block_tag(takes_context=True)
def live(context: dict[str, Any], content: str, *services: str) -> SafeString:
    """``{% live "sqs" %}...{% endlive %}``: what is in between is read anew whenever something of a service changes.

    Once a page, and without forms that people type into: those would be emptied under their hands.
    """
    request = context["request"]
    if request.method != "GET":
        return format_html("{}", content)  # the answer to a form, which nobody can ask for again
    page = request.get_full_path()
    address = "/_simfra/live/changes?" + urlencode({"service": services, "page": page}, doseq=True)
    return format_html(
        '<div hx-ws:connect="{}"><div id="changes" hidden></div><div id="live">{}</div></div>', address, content
    )
