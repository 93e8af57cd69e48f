# Lets Mail::DKIM verify: one JSON object a line in, one out.
use strict;
use warnings;
use JSON::PP;
use MIME::Base64;
use Net::DNS::RR;
use Mail::DKIM::Verifier;
use Mail::DKIM::ARC::Verifier;

my %keys;
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name, $type) = @_;
        $@ = 'NXDOMAIN';
        my $text = $keys{ $name =~ s/\.$//r };
        return unless defined $text;
        $@ = 'NOERROR';
        return Net::DNS::RR->new( name => $name, type => 'TXT', txtdata => [ unpack '(a200)*', $text ] );
    };
}
$| = 1;
while ( my $line = <STDIN> ) {
    my $out = eval {
        my $ask = decode_json($line);
        %keys = %{ $ask->{keys} || {} };
        my $v = $ask->{op} eq 'arc' ? Mail::DKIM::ARC::Verifier->new() : Mail::DKIM::Verifier->new();
        $v->PRINT( decode_base64( $ask->{message} ) );
        $v->CLOSE;
        { result => $v->result, why => $v->result_detail };
    } || { result => 'fail', why => "$@" };
    print encode_json($out), "\n";
}
