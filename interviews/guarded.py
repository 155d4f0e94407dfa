"""Tables of talks the database itself keeps clean (branches.guards)."""

from branches.guards import Guard

_SENSITIVE = "EXISTS (SELECT 1 FROM interviews_focusgroup g WHERE g.id = {row}.group_id AND g.sensitive)"


# A talk's sensitive words are sealed: no row ever says them, and a word in use does not become sensitive afterwards.
_TOPIC = "EXISTS (SELECT 1 FROM interviews_topic w WHERE w.id = {row}.topic_id AND w.sensitive)"
_GROUP = "EXISTS (SELECT 1 FROM interviews_focusgroup w WHERE w.id = {row}.focusgroup_id AND w.sensitive)"
_USED_TOPIC = "{row}.sensitive AND EXISTS (SELECT 1 FROM interviews_interview_topics l WHERE l.topic_id = {row}.id)"
_USED_GROUP = (
    "{row}.sensitive AND (EXISTS (SELECT 1 FROM interviews_interview_focus_groups l WHERE l.focusgroup_id = {row}.id)"
    " OR EXISTS (SELECT 1 FROM interviews_focusmembership m WHERE m.group_id = {row}.id))"
)


def guards() -> tuple[Guard, ...]:
    """Return the guards: nothing sensitive by name; who opened what stays; a published notice stays as it was shown."""
    return (
        Guard("interviews_focusmembership", when="1 = 0", arriving=_SENSITIVE),
        Guard("interviews_interview_topics", when="1 = 0", arriving=_TOPIC),
        Guard("interviews_interview_focus_groups", when="1 = 0", arriving=_GROUP),
        Guard("interviews_topic", when="1 = 0", arriving=_USED_TOPIC),
        Guard("interviews_focusgroup", when="1 = 0", arriving=_USED_GROUP),
        Guard("interviews_reading"),
        Guard("interviews_sealedversion"),
        Guard("interviews_notice", when="{row}.published_at IS NOT NULL"),
    )
