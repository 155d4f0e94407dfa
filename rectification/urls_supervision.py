"""URLs of supervision: 督办单, visits, changes that wait, contacts, what was sent."""

from django.urls import path

from rectification.views import supervision, supervision_desk, supervision_visits

urlpatterns = [
    path("notices/", supervision.notice_list, name="supervision-notices"),
    path("notices/new/", supervision.notice_new, name="supervision-notice-new"),
    path("notices/<int:pk>/", supervision.notice, name="supervision-notice"),
    path("notices/<int:pk>/reply/", supervision.notice_reply, name="supervision-notice-reply"),
    path("notices/<int:pk>/return/", supervision.notice_return, name="supervision-notice-return"),
    path("notices/<int:pk>/close/", supervision.notice_close, name="supervision-notice-close"),
    path("notices/<int:pk>/withdraw/", supervision.notice_withdraw, name="supervision-notice-withdraw"),
    path("visits/", supervision_visits.visit_list, name="supervision-visits"),
    path("visits/new/", supervision_visits.visit_new, name="supervision-visit-new"),
    path("visits/<int:pk>/", supervision_visits.visit, name="supervision-visit"),
    path("visits/<int:pk>/edit/", supervision_visits.visit_edit, name="supervision-visit-edit"),
    path("visits/<int:pk>/findings/", supervision_visits.finding_add, name="supervision-finding-add"),
    path("findings/<int:pk>/settle/", supervision_visits.finding_settle, name="supervision-finding-settle"),
    path("changes/", supervision_desk.change_list, name="supervision-changes"),
    path("changes/<int:pk>/", supervision_desk.change_settle, name="supervision-change-settle"),
    path("contacts/", supervision_desk.contact_list, name="supervision-contacts"),
    path("contacts/<int:campaign>/<int:branch>/", supervision_desk.contact_edit, name="supervision-contact-edit"),
    path("contacts/<int:pk>/end/", supervision_desk.contact_end, name="supervision-contact-end"),
    path("log/", supervision_desk.message_list, name="supervision-log"),
    path("log/<int:pk>/", supervision_desk.message, name="supervision-message"),
    path("log/<int:pk>/again/", supervision_desk.message_again, name="supervision-message-again"),
    path("mail/", supervision_desk.mail_choice, name="mail-choice"),
]
