# What Mail::DKIM says of each signature of the message on standard input; the
# argument and what is printed are those of verify.py.

use strict;
use warnings;

use JSON::PP;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;

package Record;
sub type { return 'TXT' }
sub txtdata { my $self = shift; return @$self }

package main;

open my $file, '<', $ARGV[0] or die "$ARGV[0]: $!\n";
my $records = decode_json(do { local $/; <$file> });
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name) = @_;
        return exists $records->{$name} ? (bless [$records->{$name}], 'Record') : ();
    };
}

my $verifier = Mail::DKIM::Verifier->new();
binmode STDIN;
$verifier->PRINT(do { local $/; <STDIN> });
$verifier->CLOSE;
my @results = map { [$_->algorithm, $_->result] } $verifier->signatures;
print encode_json(\@results);
