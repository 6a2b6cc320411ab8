# What Perl's Email::MIME finds in the messages of a folder, as JSON.
#
# The folder holds 0.eml, 1.eml and so on; the list that is printed has a
# reading for each.

use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Email::MIME;
use Email::MIME::ContentType qw(parse_content_type parse_content_disposition);
use Email::MIME::Header::AddressList;
use Encode qw(decode_utf8 find_encoding FB_CROAK);
use JSON::PP;

my @LISTS = qw(from sender reply-to to cc);

sub reading {
    my $message = Email::MIME->new(shift);
    my %fields;
    my @pairs = $message->header_str_pairs;
    while (my ($name, $value) = splice @pairs, 0, 2) {
        push @{ $fields{ lc $name } }, $value;
    }
    my (@tree, @leaves);
    walk($message, 0, \@tree, \@leaves);
    return {
        subject => $fields{subject} && $fields{subject}[0],
        lists   => { map { $_ => addresses($message, $_) } @LISTS },
        fields  => \%fields,
        tree    => join("\n", @tree),
        leaves  => \@leaves,
        defects => [],
    };
}

sub addresses {
    my ($message, $name) = @_;
    return [
        map { [ $_->phrase // '', $_->address // '' ] }
        map { Email::MIME::Header::AddressList->from_mime_string(decode_utf8 $_)->addresses }
            $message->header_raw($name)
    ];
}

sub walk {
    my ($part, $depth, $tree, $leaves) = @_;
    my $type     = parse_content_type($part->content_type);
    my $name     = lc "$type->{type}/$type->{subtype}";
    my $encoding = lc($part->header_raw('Content-Transfer-Encoding') // '7bit');
    my @inner
        = $type->{type} eq 'multipart' ? $part->subparts
        : $name eq 'message/rfc822'    ? Email::MIME->new($part->body_raw)
        :                                ();
    if (@inner) {
        my $wrong = $encoding =~ /^(?:7bit|8bit|binary)$/ ? '' : " in $encoding";
        push @$tree, '  ' x $depth . $name . $wrong;
        walk($_, $depth + 1, $tree, $leaves) for @inner;
    }
    else {
        push @$tree, '  ' x $depth . $name;
        push @$leaves, leaf($part, $name, $type, $encoding);
    }
}

sub leaf {
    my ($part, $name, $type, $encoding) = @_;
    my $octets  = $part->body;
    my $charset = lc($type->{attributes}{charset} // 'us-ascii');
    my $known   = find_encoding($charset);
    my $copy    = $octets;
    my $text    = $known && eval { $known->decode($copy, FB_CROAK) };
    my $header  = $part->header_raw('Content-Disposition');
    my $disposition = defined $header && parse_content_disposition($header);
    return {
        type        => $name,
        charset     => $charset,
        encoding    => $encoding,
        disposition => $disposition ? lc $disposition->{type} : undef,
        name        => $disposition ? $disposition->{attributes}{filename} : undef,
        id          => scalar $part->header_raw('Content-ID'),
        sha256      => sha256_hex($octets),
        text        => $text,
    };
}

my $folder = shift;
opendir my $open, $folder or die "$folder: $!";
my $last = grep(/\.eml$/, readdir $open) - 1;
my @readings;
for my $number (0 .. $last) {
    open my $file, '<:raw', "$folder/$number.eml" or die "$number.eml: $!";
    push @readings, reading(do { local $/; <$file> });
}
print JSON::PP->new->utf8->encode(\@readings);
