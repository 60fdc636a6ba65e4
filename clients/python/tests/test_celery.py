"""The worker's side of Executor.Celery, without a broker: the test is the service, and calls the task's function."""

import json
import ssl
import subprocess

import pytest

celery = pytest.importorskip("celery")

from celery_service import SECRET, Service, header, make_app, run  # noqa: E402
from sluice import IOVal, Worker  # noqa: E402
from sluice import _wire as wire  # noqa: E402
from sluice.celery import Address, ProcessorFailed, serve  # noqa: E402
from sluice._errors import SluiceError  # noqa: E402

worker = Worker()


@worker.processor(outputs=["out"])
async def copy():
    yield IOVal("out", 42)


@worker.processor(outputs=["out"])
async def broken():
    raise ValueError("no such page")
    yield IOVal("out", 0)


@pytest.fixture
def task():
    return serve(make_app(), worker)


def test_a_worker_says_the_secret_and_its_name_and_serves_one_call(task):
    def play(peer):
        content = wire.Content(peer.frame(), 1)
        assert bytes(content._take(wire.struct.Struct("32s"))) == SECRET
        assert content.text().startswith("celery@test (process ")
        peer.plan()
        assert peer.message() == bytes((wire.PUT,)) + wire.numbers(0) + b"42"
        assert peer.message() == bytes((wire.DONE,))

    service = Service(play)
    assert run(task, header(service.port)) == "the processor copy has ended"
    service.end()


def test_a_failed_function_fails_its_task_and_has_its_traceback(task):
    said = []

    def play(peer):
        peer.frame()
        peer.plan("broken")
        message = peer.message()
        assert message[0] == wire.FAILED
        said.append(wire.Failure.read(wire.Content(message, 1)))

    service = Service(play)
    with pytest.raises(ProcessorFailed, match="ValueError: no such page"):
        run(task, header(service.port))
    service.end()
    assert said[0].message.startswith("no such page\nTraceback (most recent call last):")
    assert "test_celery.py" in said[0].message


def test_a_service_that_closes_the_connection_needs_nothing(task):
    service = Service(lambda peer: peer.frame())
    assert run(task, header(service.port)) == f"nobody waits for this task any more at 127.0.0.1:{service.port}"
    service.end()
    assert run(task, header(service.port)).endswith("(ConnectionRefusedError)")


def test_a_service_that_sends_garbage_ends_the_call(task, capsys):
    def play(peer):
        peer.frame()
        peer.connected.sendall(wire.frame(99, b"x"))
        assert peer.frame() is None

    service = Service(play)
    run(task, header(service.port))
    service.end()
    assert "it was sent what it should not: a frame of the kind 99." in capsys.readouterr().err


@pytest.mark.parametrize("text", [None, "", "{}", "[]", "x", header(0), header(1).replace("00", "zz", 1), '{"host": 1}'])
def test_a_task_without_a_readable_address_fails_without_showing_it(task, text):
    with pytest.raises(ValueError, match="only Executor.Celery of Sluice sends it") as failure:
        run(task, text)
    assert SECRET.hex() not in str(failure.value)


def test_a_newer_service_is_understood_and_an_older_protocol_refused():
    assert Address.parse(header(1, protocol=7)).token.version == wire.VERSION
    with pytest.raises(wire.VersionError):
        Address.parse(header(1, protocol=0))


@pytest.mark.parametrize("hosts, host, fits", [
    (None, "127.0.0.1", True), (None, "127.9.9.9", True), (None, "::1", True), (None, "localhost", True), (None, "10.0.0.1", False),
    (None, "shop", False), (["10.0.0.0/8"], "10.1.2.3", True), (["10.0.0.0/8"], "127.0.0.1", False), (["Shop"], "shop", True),
    (["shop"], "shop.evil", False), (["*"], "anything", True), ([], "127.0.0.1", False),
])
def test_a_worker_connects_only_to_hosts_that_its_application_allows(hosts, host, fits):
    from sluice.celery import _check_host

    allowed = ["localhost", "127.0.0.0/8", "::1"] if hosts is None else hosts
    if fits:
        _check_host(host, allowed)
    else:
        with pytest.raises(SluiceError, match="not among the hosts it may connect to"):
            _check_host(host, allowed)


def test_a_task_for_another_machine_is_refused(task):
    with pytest.raises(SluiceError, match=r"serve\(app, worker, hosts=\['10.0.0.1'\]\)"):
        run(task, header(1).replace("127.0.0.1", "10.0.0.1"))


@pytest.mark.parametrize("conf", [{"accept_content": ["json", "pickle"]}, {"task_serializer": "pickle"}, {"result_serializer": "pickle"},
                                  {"accept_content": ["application/x-python-serialize"]}])
def test_an_application_with_pickle_is_refused_by_name(conf):
    app = make_app(**conf)
    task = serve(app, worker)
    with pytest.raises(SluiceError, match="uses pickle, which executes code that others send"):
        run(task, header(1))
    with pytest.raises(SystemExit, match="sluice.celery: This Celery application uses pickle"):
        celery.signals.worker_init.send(sender=None)
    app.conf.update(accept_content=["json"], task_serializer="json", result_serializer="json")


def test_the_certificate_is_compared_before_anything_is_sent(task, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop", "-keyout", str(key), "-out",
                    str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    import hashlib

    hash = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest().upper()

    def play(peer):
        peer.frame()
        peer.plan()
        while peer.message()[0] != wire.DONE:
            pass

    service = Service(play, context)
    assert run(task, header(service.port, certificate=hash)) == "the processor copy has ended"
    service.end()

    other = Service(lambda peer: peer.frame(), context)
    with pytest.raises(ProcessorFailed, match="has another certificate than its task says"):
        run(task, header(other.port, certificate="00" * 32))
    other.thread.join(30)
    other.listener.close()


def test_mistakes_of_serve_are_said():
    with pytest.raises(TypeError, match="takes the sluice.Worker"):
        serve(make_app(), object())
    with pytest.raises(TypeError, match=r"write hosts=\['shop'\]"):
        serve(make_app(), worker, hosts="shop")


def test_each_application_of_a_process_serves_its_own_worker():
    apps, workers = [make_app() for _ in range(5)], [Worker() for _ in range(5)]
    for at, one in enumerate(workers):
        one.processor(outputs=["out"], name="copy")(lambda at=at: at)
    for app, one in zip(apps, workers):
        serve(app, one)
    plain = make_app()

    def play(peer):
        peer.frame()
        peer.plan()
        said.append(peer.message())
        peer.message()

    said = []
    for app in apps:
        app.finalize()
        service = Service(play)
        run(app.tasks["sluice.run"], header(service.port))
        service.end()
    assert said == [bytes((wire.PUT,)) + wire.numbers(0) + b"%d" % at for at in range(5)]
    plain.finalize()
    assert "sluice.run" not in plain.tasks


def test_an_application_has_one_worker_for_each_name():
    app = make_app()
    serve(app, worker)
    with pytest.raises(ValueError, match=r"serves a Worker by the task sluice.run already: register all functions with one Worker, or give "
                                         r"another name= \(CeleryExecutorOptions.TaskName\)"):
        serve(app, Worker())
    other = serve(app, Worker(), name="other.run")
    assert other.name == "other.run"
