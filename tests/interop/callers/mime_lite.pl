# The arguments: recipient, copy, blind copy.
use strict;
use warnings;
use utf8;
use Encode 'encode';
use MIME::Lite;

my ($to, $cc, $bcc) = @ARGV;
my $message = MIME::Lite->new(
    From => 'Terry Tester <terry@example.net>',
    To => $to,
    Cc => $cc,
    Bcc => $bcc,
    Subject => encode('MIME-Header', 'Grüße aus Zürich'),
    Type => 'multipart/mixed',
);
my $text = encode('UTF-8', "Grüezi\n.\n..two\nend\n");
$message->attach(Type => 'text/plain; charset=utf-8', Encoding => '8bit', Data => $text);
$message->attach(
    Type => 'application/octet-stream',
    Encoding => 'base64',
    Disposition => 'attachment',
    Filename => 'octets.bin',
    Data => join('', map { chr } 0 .. 255),
);
$message->send or die "not sent\n";
