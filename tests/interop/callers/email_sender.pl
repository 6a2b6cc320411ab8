# The arguments: recipient, copy, one more recipient of the envelope, and its sender.
use strict;
use warnings;
use utf8;
use Email::Sender::Simple 'sendmail';
use Email::Simple;
use Encode 'encode';

my ($to, $cc, $bcc, $sender) = @ARGV;
$sender //= 'bounce@example.net';
my $message = Email::Simple->create(
    header => [
        From => 'Terry Tester <terry@example.net>',
        To => $to,
        Cc => $cc,
        Subject => encode('MIME-Header', 'Grüße aus Zürich'),
        'MIME-Version' => '1.0',
        'Content-Type' => 'text/plain; charset=utf-8',
        'Content-Transfer-Encoding' => '8bit',
    ],
    body => encode('UTF-8', "Grüezi\n.\n..two\nend\n"),
);
eval { sendmail($message, { from => $sender, to => [$to, $cc, $bcc] }) }
    or die $@->message, "\n";
