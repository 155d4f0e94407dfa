"""Recording in the browser's way: once, never into a cache, and what is wrong comes back with what was typed."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from branches import clock
from branches.models import Draft
from interviews.mine import Tally
from interviews.models import Assignment, FollowUp, Interview, Reading
from tests.factories.interview_plan import RosterEntryFactory
from tests.interviews import follow, talks
from tests.interviews.follow import entered
from tests.worlds import shared

world = shared(follow.world)
JSON = {"HTTP_ACCEPT": "application/json"}


def send(client, **data):
    return client.post(reverse("interview-new"), data, **JSON)


@pytest.mark.once
def test_the_entry_page_holds_the_whole_list_and_is_never_cached(world, signed_in):
    answer = signed_in(world.base.interviewer).get(reverse("interview-new"))
    assert answer["Cache-Control"] == "no-store"
    names = [person["name"] for person in answer.context["people"]]
    assert names == [world.base.student.person.name, world.base.other.person.name]
    assert [person["label"] for person in answer.context["people"]] == ["逾期未访", "未访"]
    assert [chip[2] for chip in answer.context["choices"]["channels"]] == [True]


@pytest.mark.once
def test_a_talk_sent_twice_is_one_record(world, signed_in):
    client, data = signed_in(world.base.interviewer), entered(world.base)
    first, again = send(client, **data), send(client, **data)
    assert (first.status_code, again.status_code, first.json()) == (200, 200, again.json())
    assert first["Cache-Control"] == "no-store"
    row = Interview.objects.get()
    assert (row.one_to_one, list(row.topics.all())) == (True, [world.base.study])
    assert first.json() == {"who": world.base.student.person.name, "url": reverse("interview", args=[row.pk])}
    people = {one["id"]: one for one in client.get(reverse("interview-new")).context["people"]}
    assert people[world.base.student.pk]["last"] == row.held_on.isoformat()  # asks before a second one
    assert people[world.base.other.pk]["last"] == ""
    assert Draft.objects.count() == 0


@pytest.mark.once
def test_a_talk_with_two_is_entered_once_and_is_no_one_to_one(world, signed_in):
    client = signed_in(world.base.interviewer)
    answer = send(client, **entered(world.base, world.base.student, world.base.other, mode="one"))
    assert answer.json() == {
        "errors": [{"text": "一对一谈话只能选一个人；几个人一起谈请记为座谈。", "target": "talk-q"}]
    }
    assert answer.status_code == 422
    assert send(client, **entered(world.base, world.base.student, world.base.other)).status_code == 200
    row = Interview.objects.get()
    assert (row.one_to_one, row.heads) == (False, 2)
    page = client.get(reverse("my-interviewees"))
    assert (page.context["tally"].done, page.context["tally"].extended) == (0, 2)


@pytest.mark.once
def test_somebody_else_signed_in_meanwhile_sends_nothing(world, signed_in):
    answer = send(signed_in(world.base.colleague), **entered(world.base))
    follow.assigned(world.base, world.base.colleague, world.base.elsewhere)
    again = send(signed_in(world.base.colleague), **entered(world.base))
    assert (answer.status_code, again.status_code, Interview.objects.count()) == (200, 403, 0)
    assert "另一个账号" in again.json()["error"]


@pytest.mark.once
def test_without_a_session_the_answer_is_401(world, client):
    assert send(client, **entered(world.base)).status_code == 401
    assert Interview.objects.count() == 0


@pytest.mark.once
def test_without_script_the_form_comes_back_with_what_was_typed(world, signed_in):
    client = signed_in(world.base.interviewer)
    answer = client.post(reverse("interview-new"), entered(world.base, held_on="2090-01-01"))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "谈话日期不能晚于今天" in page
    assert "夜里睡不着，担心挂科。" in page
    assert client.post(reverse("interview-new"), entered(world.base)).status_code == 302


@pytest.mark.once
def test_only_people_of_my_list_can_be_chosen(world, signed_in):
    answer = send(signed_in(world.base.interviewer), **entered(world.base, world.base.elsewhere))
    assert (answer.status_code, Interview.objects.count()) == (422, 0)


@pytest.mark.once
def test_a_revisit_is_planned_with_the_talk_and_done_by_the_next(world, signed_in):
    client = signed_in(world.base.interviewer)
    send(client, **entered(world.base, follow="7", held_on=(clock.today() - dt.timedelta(days=1)).isoformat()))
    planned = FollowUp.objects.get()
    assert (planned.state, planned.due_on) == ("planned", clock.today() + dt.timedelta(days=7))
    assert client.get(reverse("interview-new"), {"follow_up": planned.pk}).context["picked"] == [world.base.student]
    send(client, **entered(world.base, world.base.student, world.base.other))
    assert FollowUp.objects.get().state == "planned"
    send(client, **entered(world.base))
    done = FollowUp.objects.get()
    assert (done.state, done.done_by.one_to_one) == ("done", True)


@pytest.mark.db
def test_my_list_is_found_by_initials_number_and_class(world, signed_in):
    client, student = signed_in(world.base.interviewer), world.base.student
    for word in (student.person.name, student.person.initials, student.person.number):
        if word:
            assert student.person.name in client.get(reverse("my-interviewees"), {"q": word}).content.decode()
    late = client.get(reverse("my-interviewees"), {"standing": "late"})
    assert late.context["list"].total == 1
    assert late.context["tally"] == Tally(people=2, late=1, next_due=clock.today() - dt.timedelta(days=1))


@pytest.mark.once
def test_ticked_people_go_to_the_entry_page(world, signed_in):
    client, keys = signed_in(world.base.interviewer), [world.base.student.pk, world.base.other.pk]
    answer = client.post(reverse("interview-pick"), {"pick": keys}, follow=True)
    assert sorted(row.pk for row in answer.context["picked"]) == sorted(keys)
    assert answer.context["values"]["mode"] == "group"


@pytest.mark.once
def test_opening_is_a_post_and_leaves_a_trace_the_interviewer_sees(world, signed_in):
    row = talks.recorded(world.base)
    client, url = signed_in(world.base.interviewer), reverse("interview", args=[row.pk])
    closed = client.get(url)
    assert "最近睡不好" not in closed.content.decode()
    assert Reading.objects.count() == 0
    opened = client.post(reverse("interview-read", args=[row.pk]))
    assert "最近睡不好，想换宿舍。" in opened.content.decode()
    assert opened["Cache-Control"] == "no-store"
    assert [reading.by for reading in opened.context["readings"]] == [world.base.interviewer]


@pytest.mark.once
def test_an_amendment_keeps_what_was_written_before(world, signed_in):
    row = talks.recorded(world.base)
    client = signed_in(world.base.interviewer)
    data = entered(world.base, version="1", text="改成这样。")
    answer = client.post(reverse("interview-amend", args=[row.pk]), data, **JSON)
    assert answer.json()["open"] == reverse("interview-read", args=[row.pk])
    assert "改成这样。" in client.post(answer.json()["open"]).content.decode()
    old = client.post(reverse("interview-read", args=[row.pk]), {"number": 1})
    assert "最近睡不好，想换宿舍。" in old.content.decode()
    late = client.post(reverse("interview-amend", args=[row.pk]), data, **JSON)
    assert late.status_code == 422
    assert "已有更新的版本" in late.json()["errors"][0]["text"]
    page = client.post(reverse("interview-amend", args=[row.pk]), data)
    assert (page.status_code, "改成这样。" in page.content.decode()) == (422, True)
    again = client.post(reverse("interview-amend", args=[row.pk]), data | {"version": "2", "text": "又改了。"})
    assert (again.status_code, "又改了。" in again.content.decode()) == (200, True)  # without script, shown once too
    assert "又改了。" not in client.get(reverse("interview", args=[row.pk])).content.decode()
    assert row.record.readings.count() == 3


@pytest.mark.once
def test_a_named_reader_reads_until_the_end_and_not_after(world, signed_in, time_machine):
    row = talks.recorded(world.base)
    until = clock.today() + dt.timedelta(days=3)
    data = {"account": world.base.officer.pk, "reason": "共同跟进", "until": until.isoformat()}
    mine = signed_in(world.base.interviewer)
    assert "，党总支书记）</span>" in mine.get(reverse("interview", args=[row.pk])).content.decode()
    assert mine.post(reverse("interview-readers", args=[row.pk]), data).status_code == 302
    again = mine.post(reverse("interview-readers", args=[row.pk]), data).content.decode()
    assert f"可以看到{until.month}月{until.day}日；要改先收回。" in again or until.year != clock.today().year
    reader = signed_in(world.base.officer)
    assert "共同跟进" in reader.get(reverse("shared-interviews")).content.decode()
    opened = reader.post(reverse("interview-read", args=[row.pk]))
    assert "最近睡不好，想换宿舍。" in opened.content.decode()
    assert opened.context["readings"] == []
    time_machine.move_to(clock.end_of(until))
    late = signed_in(world.base.officer)
    assert late.get(reverse("interview", args=[row.pk])).status_code == 404
    assert late.post(reverse("interview-read", args=[row.pk])).status_code == 404


@pytest.mark.once
def test_erasing_and_withdrawing(world, signed_in):
    first, second = talks.recorded(world.base), talks.recorded(world.base)
    client = signed_in(world.base.interviewer)
    client.post(reverse("interview-erase", args=[first.pk]), {"cause": "request"})
    client.post(reverse("interview-erase", args=[second.pk]), {"cause": "mistake"})
    answer = client.post(reverse("interview-read", args=[first.pk]))
    assert answer.status_code == 422
    assert "最近睡不好" not in answer.content.decode()
    assert Interview.objects.counting().count() == 1


@pytest.mark.once
@pytest.mark.parametrize("number", [1, 3])
def test_the_pages_ask_as_much_for_three_people_as_for_one(world, signed_in, number):
    colleague = world.base.colleague
    for _ in range(number):
        entry = RosterEntryFactory(campaign=world.base.campaign, unit=world.base.school.software)
        follow.assigned(world.base, colleague, entry)
        talks.recorded(world.base, by=colleague, entries=[entry])
    client = signed_in(colleague)
    client.get(reverse("interviews"))
    asked = []
    for name in ("interviews", "my-interviewees", "interview-new", "my-interviews"):
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(name))
        asked.append(len(queries))
    assert asked == [7, 9, 11, 9]


@pytest.mark.once
def test_one_talk_of_two_is_not_none(world, signed_in):
    Assignment.objects.filter(entry=world.base.student).update(required=2)
    talks.recorded(world.base)
    people = signed_in(world.base.interviewer).get(reverse("interview-new")).context["people"]
    (shown,) = (one for one in people if one["id"] == world.base.student.pk)
    assert (shown["label"], shown["spoken"], shown["required"]) == ("逾期，已谈 1 / 2 次", 1, 2)
    Assignment.objects.filter(entry=world.base.student).update(due_on=clock.today())
    assert "已谈 1 / 2 次" in signed_in(world.base.interviewer).get(reverse("my-interviewees")).content.decode()
