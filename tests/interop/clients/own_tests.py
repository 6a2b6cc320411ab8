"""The tests that Python has for its smtplib, with the receiver where they have a server.

They are those of the module test.test_smtplib as it is installed. Their addresses get
a domain, which SMTP asks for and their servers do not; and of a reply that they
compare only the code is held to, since the words are each server's own.

usage: own_tests.py ENVOI
"""

import ast
import importlib.util
import json
import queue
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import types
import unittest

ENVOI = sys.argv[1]

# What does not apply, and why.
LEFT_OUT = {
    'NonConnectingTests': 'there is no server',
    'DefaultArgumentsTests': 'there is no server',
    'SMTPGeneralTests.testTimeoutDefault': 'is about the time that a mock of a socket has',
    'LMTPGeneralTests.testBasic2': 'a port in the name of the host, which only a mock of a socket takes',
    'LMTPGeneralTests.testTimeoutDefault': 'is about the time that a mock of a socket has',
    'LMTPGeneralTests.testUnixDomainSocketTimeoutDefault': 'a Unix socket, where none is listened at',
    'DebuggingServerTests.testHELP': 'HELP, which the receiver does not have',
    'DebuggingServerTests.testSecondHELO': 'its server refuses what RFC 5321 section 4.1.4 allows',
    'SMTPGeneralTests.testSourceAddress': 'binds to a port that nobody has twice in a minute',
    'LMTPGeneralTests.testSourceAddress': 'binds to a port that nobody has twice in a minute',
    'SMTPAUTHInitialResponseSimTests.testAUTH_PLAIN_initial_response_auth': 'AUTH before EHLO',
    'SMTPSimTests.testAUTH_BUGGY': 'an exchange without end, which the receiver does not play',
    'SMTPSimTests.testEHLO': 'the extensions of its own server',
    'SMTPSimTests.testEXPN': 'the lists of its own server',
    'SMTPSimTests.testVRFY': 'the users of its own server',
}

# Addresses that are nothing but a name.
NAMES = 'John|Sally|Fred|Dinsdale|Bernard|Bianca|Jeff|Frank|George|Alice|Jőhn|Sálly|Jő|János'

MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN', 'CRAM-MD5', 'OAUTHBEARER',
              'XOAUTH2', 'ANONYMOUS']


class Qualifying(ast.NodeTransformer):
    """Gives a domain to every address that has none."""

    PATTERN = re.compile(rf'(^|(?<=, )|(?<=To: ))({NAMES})(?=$|, )', re.MULTILINE)

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            node.value = self.PATTERN.sub(r'\2@example.net', node.value)
        return node


def their_module():
    spec = importlib.util.find_spec('test.test_smtplib')
    if spec is None:
        version = '{}.{}'.format(*sys.version_info)
        sys.exit(f'there is no test.test_smtplib: apt-get install libpython{version}-testsuite '
                 '(tests/run does it)')
    with open(spec.origin, encoding='utf-8') as file:
        tree = Qualifying().visit(ast.parse(file.read()))
    module = types.ModuleType('theirs')
    exec(compile(tree, spec.origin, 'exec'), module.__dict__)
    return module


theirs = their_module()


class Receiver:
    """envoi sink, at a port of its own."""

    def __init__(self, *options, listen='--listen'):
        self.options, self.listen = options, listen
        self.place = tempfile.mkdtemp()
        self.port = 0
        self.start()

    def start(self):
        words = [ENVOI, '--json', 'sink', self.place + '/mail', self.listen, f'127.0.0.1:{self.port}']
        self.process = subprocess.Popen([*words, *self.options], stdout=subprocess.PIPE)
        self.events = queue.Queue()
        threading.Thread(target=self.read, args=(self.process.stdout, self.events)).start()
        self.told = []
        self.port = int(self.next('listening')['urls'][0].rpartition(':')[2])

    @staticmethod
    def read(lines, events):
        with lines:
            for line in lines:
                events.put(json.loads(line))

    def again(self, *options):
        """Begins anew at the same port."""
        self.end()
        self.options = options
        self.start()

    def next(self, kind):
        while True:
            event = self.events.get(timeout=20)
            self.told.append(event)
            if event['event'] == kind:
                return event

    def message(self):
        """The first one that came."""
        stored = (event for event in self.told if event['event'] == 'stored')
        return next(stored, None) or self.next('stored')

    def content(self):
        """Of that message, without the last line end, as smtpd gives it."""
        with open(self.message()['path'], encoding='utf-8', newline='') as file:
            text = file.read()
        trace = re.match(r'((Return-Path|Envelope-To|Received): .*\n(\t.*\n)*){3}', text)
        return text[trace.end():].removesuffix('\n')

    def end(self):
        self.process.terminate()
        self.process.wait()

    def close(self):
        self.end()
        shutil.rmtree(self.place)


class Output:
    """What a text stream of theirs would have got."""

    def __init__(self, getvalue):
        self.getvalue = getvalue

    def flush(self):
        pass


class Ours:
    """What is common to all classes of tests."""

    OPTIONS = ['--without', 'STARTTLS,SMTPUTF8,8BITMIME,AUTH']
    LISTEN = '--listen'
    # More options, by the name of the test.
    SPECIAL = {}

    def setUp(self):
        special = self.SPECIAL.get(self._testMethodName, [])
        self.receiver = Receiver(*self.OPTIONS, *special, listen=self.LISTEN)
        self.port, self.host = self.receiver.port, '127.0.0.1'
        self.client_evt, self.serv_evt = threading.Event(), threading.Event()
        self.serv_evt.set()
        self.real_getfqdn, socket.getfqdn = socket.getfqdn, lambda *_: 'localhost'

    def tearDown(self):
        socket.getfqdn = self.real_getfqdn
        self.doCleanups()
        self.receiver.close()

    def assertEqual(self, first, second, msg=None):
        is_reply = lambda it: isinstance(it, tuple) and list(map(type, it)) == [int, bytes]
        if is_reply(first) and is_reply(second):
            first, second = first[0], second[0]
        super().assertEqual(first, second, msg)


class SMTPGeneralTests(Ours, theirs.SMTPGeneralTests):
    pass


class LMTPGeneralTests(Ours, theirs.LMTPGeneralTests):
    LISTEN = '--listen-lmtp'


class DebuggingServerTests(Ours, theirs.DebuggingServerTests):
    def setUp(self):
        super().setUp()
        self.output = Output(self.message)
        self.old, theirs.smtpd.DEBUGSTREAM = theirs.smtpd.DEBUGSTREAM, Output(self.debug)

    def tearDown(self):
        theirs.smtpd.DEBUGSTREAM = self.old
        super().tearDown()

    def message(self):
        return f'{theirs.MSG_BEGIN}{self.receiver.content()}\n{theirs.MSG_END}'

    def debug(self):
        stored = [event for event in self.receiver.told if event['event'] == 'stored']
        lines = [f"sender: {it['from'] or '<>'}\nrecips: {it['to']!r}\n" for it in stored]
        return ''.join(lines) + json.dumps(self.receiver.told)


class BadHELOServerTests(Ours, theirs.BadHELOServerTests):
    OPTIONS = ['--fault', 'greeting=554 5.3.2 no hello for you!']


class TooLongLineTests(Ours, theirs.TooLongLineTests):
    OPTIONS = ['--fault', 'greeting=oversized']


class Server:
    """What tests ask of their simulated server."""

    def __init__(self, test):
        self.test, self.mechanisms = test, []
        # Where they say how it is to misbehave, and what it counted: SPECIAL has it.
        self._SMTPchannel = types.SimpleNamespace(rset_count=0, rcpt_count=0)

    def add_feature(self, feature):
        self.mechanisms += feature.removeprefix('AUTH ').split()
        others = [it for it in MECHANISMS if it not in self.mechanisms]
        users = [f'--user={name}:{password}' for name, password in
                 [theirs.sim_auth, ('psu', 'doesnotexist')]]
        special = self.test.SPECIAL.get(self.test._testMethodName, [])
        self.test.receiver.again('--without', ','.join(['STARTTLS', *others]),
                                 '--allow-cleartext-auth', *users, *special)

    def __getattr__(self, name):
        stored = self.test.receiver.message()
        options = [f"BODY={stored['body']}"] if stored['body'] else []
        options += ['SMTPUTF8'] if stored['protocol'].startswith('UTF8') else []
        known = {
            'last_mailfrom': stored['from'],
            'last_rcpttos': stored['to'],
            'last_message': self.test.receiver.content().encode(),
            'last_mail_options': options,
            'last_rcpt_options': stored['dsn'] or [],
            '_addresses': {'from': stored['from'], 'tos': stored['to']},
        }
        if name not in known:
            raise AttributeError(name)
        return known[name]


class Simulated(Ours):
    def setUp(self):
        super().setUp()
        self.serv = Server(self)


def rules(text):
    """As options, by a file that outlives this process."""
    with tempfile.NamedTemporaryFile('w', suffix='.toml', dir=SCRATCH, delete=False) as file:
        file.write(text)
    return ['--rules', file.name]


SCRATCH = tempfile.mkdtemp()


class SMTPSimTests(Simulated, theirs.SMTPSimTests):
    SPECIAL = {
        'test_with_statement_QUIT_failure': ['--fault', 'quit=421 QUIT FAILED'],
        'test__rest_from_mail_cmd': rules(
            '[[rule]]\nstage = "mail"\nreply = "451 Requested action aborted"\n'
            '[[rule]]\nstage = "rset"\nfault = "close"\n'),
        'test_421_from_mail_cmd': ['--fault', 'mail=421 closing connection'],
        'test_421_from_rcpt_cmd': rules(
            '[[rule]]\nstage = "rcpt"\nnth = 2\nreply = "421 closing"\n'),
        'test_421_from_data_cmd': ['--fault', 'message=421 closing'],
    }


class SMTPUTF8SimTests(Simulated, theirs.SMTPUTF8SimTests):
    OPTIONS = ['--without', 'STARTTLS,AUTH']


class SMTPAUTHInitialResponseSimTests(Simulated, theirs.SMTPAUTHInitialResponseSimTests):
    pass


def names(case):
    return unittest.TestLoader().getTestCaseNames(case)


def tests_of(module):
    is_case = lambda it: isinstance(it, type) and issubclass(it, unittest.TestCase)
    return {name: it for name, it in vars(module).items() if is_case(it)}


def main():
    ours = tests_of(sys.modules['__main__'])
    suite, left_out = unittest.TestSuite(), set()
    for name, case in tests_of(theirs).items():
        for test in names(case):
            reason = {name, f'{name}.{test}'} & LEFT_OUT.keys()
            left_out |= reason
            if not reason:
                # A class of theirs that is in neither table ends this.
                suite.addTest(ours[name](test))
    assert left_out == LEFT_OUT.keys(), LEFT_OUT.keys() - left_out
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    shutil.rmtree(SCRATCH)
    assert not result.skipped, result.skipped
    sys.exit(not result.wasSuccessful())


if __name__ == '__main__':
    main()
