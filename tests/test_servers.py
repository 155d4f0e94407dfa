"""The tools of the suite themselves: sockets are shut, throwaway servers answer, the browser and axe see faults."""

import socket

import psycopg2
import pytest
import pytest_socket
import redis as redis_client


def test_a_unit_test_cannot_open_a_socket():
    with pytest.raises(pytest_socket.SocketBlockedError):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)


@pytest.mark.queue
def test_other_tests_reach_this_machine_only():
    with socket.socket() as probe, pytest.raises(pytest_socket.SocketConnectBlockedError):
        probe.connect(("192.0.2.1", 80))


@pytest.mark.queue
def test_throwaway_servers_answer(postgres_url, redis_url):
    connection = psycopg2.connect(postgres_url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 6 * 7")
        assert cursor.fetchone() == (42,)
    connection.close()
    client = redis_client.Redis.from_url(redis_url)
    assert client.ping() is True
    client.close()


@pytest.mark.e2e
def test_axe_finds_planted_faults_and_nothing_in_a_clean_page(browser_page, axe):
    head = "<html lang='zh-Hans'><head><title>页</title></head><body><main><h1>页</h1>"
    browser_page.set_content(head + "<input type='text'></main></body></html>")
    assert [line.split(":")[0] for line in axe(browser_page)] == ["label"]
    browser_page.set_content(head + "<label>姓名 <input type='text'></label></main></body></html>")
    assert axe(browser_page) == []


@pytest.mark.e2e
def test_the_phone_is_390_px_wide(phone_page):
    phone_page.set_content(
        "<html lang='zh-Hans'><head><meta name='viewport' content='width=device-width'></head></html>"
    )
    assert phone_page.evaluate("window.innerWidth") == 390
