"""URLs of recording talks and of what comes of them."""

from django.urls import path

from interviews.views import emergency, follow_ups, landing, matters, matters_office, reading, record

urlpatterns = [
    path("", landing.landing, name="interviews"),
    path("mine/", record.my_interviewees, name="my-interviewees"),
    path("mine/pick/", record.pick, name="interview-pick"),
    path("new/", record.interview_new, name="interview-new"),
    path("talks/", record.my_talks, name="my-interviews"),
    path("talks/<int:pk>/", reading.interview_page, name="interview"),
    path("talks/<int:pk>/read/", reading.interview_read, name="interview-read"),
    path("talks/<int:pk>/amend/", reading.interview_amend, name="interview-amend"),
    path("talks/<int:pk>/readers/", reading.reader_add, name="interview-readers"),
    path("talks/<int:pk>/readers/<int:reader>/end/", reading.reader_end, name="interview-reader-end"),
    path("talks/<int:pk>/erase/", reading.interview_erase, name="interview-erase"),
    path("talks/<int:pk>/follow-up/", follow_ups.plan, name="follow-up-plan"),
    path("talks/<int:pk>/matter/", matters.release, name="matter-new"),
    path("shared/", reading.shared_interviews, name="shared-interviews"),
    path("follow-ups/", follow_ups.follow_up_list, name="follow-ups"),
    path("follow-ups/<int:pk>/drop/", follow_ups.drop, name="follow-up-drop"),
    path("matters/", matters.my_matters, name="my-matters"),
    path("matters/year/", matters_office.matter_summary, name="matter-summary"),
    path("matters/all/", matters_office.matter_list, name="matters"),
    path("matters/<int:pk>/", matters.matter_page, name="matter"),
    path("matters/<int:pk>/read/", matters.matter_read, name="matter-read"),
    path("matters/<int:pk>/move/", matters.matter_move, name="matter-move"),
    path("emergency/", emergency.emergency, name="emergency"),
    path("emergency/contacts/", emergency.contacts, name="emergency-contacts"),
    path("emergency/contacts/new/", emergency.contact_new, name="emergency-contact-new"),
    path("emergency/contacts/<int:pk>/", emergency.contact_edit, name="emergency-contact"),
    path("emergency/<int:pk>/", emergency.report_page, name="emergency-report"),
    path("emergency/<int:pk>/read/", emergency.report_read, name="emergency-read"),
    path("emergency/<int:pk>/acknowledge/", emergency.acknowledge, name="emergency-acknowledge"),
    path("emergency/<int:pk>/close/", emergency.close, name="emergency-close"),
]
