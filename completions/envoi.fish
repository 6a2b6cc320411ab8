# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_envoi_global_optspecs
    string join \n A/account= C/config= v/verbose q/quiet json color= h/help V/version
end

function __fish_envoi_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_envoi_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_envoi_using_subcommand
    set -l cmd (__fish_envoi_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c envoi -n "__fish_envoi_needs_command" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_needs_command" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_needs_command" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_needs_command" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_needs_command" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_needs_command" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_needs_command" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_needs_command" -s V -l version -d 'Print the version'
complete -c envoi -n "__fish_envoi_needs_command" -f -a "send" -d 'Compose a message, or take a finished one, and submit it'
complete -c envoi -n "__fish_envoi_needs_command" -f -a "check" -d 'Say what is wrong with an account or a server, and why'
complete -c envoi -n "__fish_envoi_needs_command" -f -a "sink" -d 'Catch mail on this machine instead of sending it'
complete -c envoi -n "__fish_envoi_needs_command" -f -a "queue" -d 'See and steer what waits to be sent'
complete -c envoi -n "__fish_envoi_needs_command" -f -a "account" -d 'Add accounts, see what they say, log in for them'
complete -c envoi -n "__fish_envoi_needs_command" -f -a "completions" -d 'Print the completion script for a shell'
complete -c envoi -n "__fish_envoi_needs_command" -f -a "sendmail" -d 'Send a message as sendmail(1) does, for programs that call that'
complete -c envoi -n "__fish_envoi_using_subcommand send" -s f -l from -d 'Who the message is from' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -s t -l to -d 'Who the message is to; may be repeated, or a list with commas' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -s c -l cc -d 'Who gets a copy' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -s b -l bcc -d 'Who gets a copy that the others do not see' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -s s -l subject -d 'The subject' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l reply-to -d 'Where answers go' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -s a -l attach -d 'Attach a file; may be repeated' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l attach-name -d 'The name of the attachment before this option' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l attach-type -d 'The media type of the attachment before this option' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l body -d 'The text of the message' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l body-file -d 'Read the text of the message from FILE; ‘-’ is standard input' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand send" -l html -d 'Read an HTML form of the text from FILE; ‘-’ is standard input' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand send" -l markdown -d 'Read the text in Markdown from FILE; ‘-’ is standard input' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand send" -l inline -d 'Send a file that the HTML shows, such as a picture; may be repeated' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l in-reply-to -d 'The Message-ID of the message that this one answers' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l references -d 'The Message-IDs of the conversation before, the first one first' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l list-unsubscribe -d 'Where to unsubscribe, an https: or mailto: URL; may be repeated' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l priority -d 'How urgent the message is to who reads it: high, normal or low' -r -f -a "high\t'More than others'
normal\t'As others'
low\t'Less than others'"
complete -c envoi -n "__fish_envoi_using_subcommand send" -s H -l header -d 'Add a header field; may be repeated' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l message -d 'Send the finished message in FILE; ‘-’ is standard input' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand send" -l envelope-from -d 'The address that reports of failure go to' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l dsn -d 'When reports about the message are to come back' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l dsn-return -d 'How much of the message comes back in a report of failure' -r -f -a "full\t''
headers\t''"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l envid -d 'A name for the message, to know it by in reports' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l server -d 'Submit to this server; repeat it for others to fall back on' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l helo -d 'Call ourselves NAME when greeting the server' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l proxy -d 'Connect to servers through this proxy' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l source -d 'Connect from ADDRESS, one of this machine\'s' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l timeout -d 'Wait no longer than this for any one thing' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l deadline -d 'Stop sending after this time, whatever is going on' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l pipelining -d 'Send several commands at once, or not' -r -f -a "off\t''
standard\t''"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l chunking -d 'Send the message in chunks (BDAT) instead of by DATA, or not' -r -f -a "auto\t''
on\t''
off\t''"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l tls-ca -d 'Trust the certificates in FILE instead of the built-in ones' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand send" -l tls-verify -d 'With ‘no’, accept any certificate (warns every time)' -r -f -a "yes\t''
no\t''"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l tls-name -d 'Expect NAME in the certificate instead of the server\'s name' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l tls-pin -d 'Accept this certificate or key of the server, and no other' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l tls-cert -d 'Say who we are by the certificate in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand send" -l tls-key -d 'The key of that certificate is in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand send" -l tls-min -d 'Speak no older version of TLS than this' -r -f -a "1.2\t''
1.3\t''"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l tls-sni -d 'Ask the server for NAME, if it has several' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l user -d 'Sign in as USER' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l password-from -d 'Take the password from SOURCE' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l auth -d 'Sign in by one of these mechanisms, in this order' -r -f -a "OAUTHBEARER\t''
XOAUTH2\t''
SCRAM-SHA-256-PLUS\t''
SCRAM-SHA-1-PLUS\t''
SCRAM-SHA-256\t''
SCRAM-SHA-1\t''
PLAIN\t''
LOGIN\t''
CRAM-MD5\t''
EXTERNAL\t''
ANONYMOUS\t''"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l at -d 'Send at this time, and not before' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l in -d 'Send after this time: 90s, 5m, 1h30m, 2d' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l save-sent -d 'Keep a copy of the message in the Maildir DIR once it is sent' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand send" -s n -l dry-run -d 'Print envelope and message instead of sending them' -r -f -a "8bit\t'It offers 8BITMIME, SMTPUTF8 and DSN'
7bit\t'It offers nothing'"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l transcript -d 'Write the conversation with the server to FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand send" -l events -d 'Write what happens to FILE, for programs: JSON, one object a line' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand send" -l stop-after -d 'Say QUIT when this stage is over, and send nothing' -r -f -a "connect\t''
banner\t''
first-helo\t''
xclient\t''
starttls\t''
tls\t''
helo\t''
auth\t''
mail\t''
rcpt\t''
data\t''
dot\t''"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l drop-after -d 'Drop the connection without a word when this stage is over' -r -f -a "connect\t''
banner\t''
first-helo\t''
xclient\t''
starttls\t''
tls\t''
helo\t''
auth\t''
mail\t''
rcpt\t''
data\t''
dot\t''"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l drop-after-send -d 'Drop the connection when this was said, and before it is answered' -r -f -a "connect\t''
banner\t''
first-helo\t''
xclient\t''
starttls\t''
tls\t''
helo\t''
auth\t''
mail\t''
rcpt\t''
data\t''
dot\t''"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l expect -d 'Expect this reply, as in rcpt=550; the status tells whether it came' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l without -d 'Make as if the server did not offer EXTENSION' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l xclient -d 'Have the server take us for another client, by XCLIENT' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l proxy-protocol -d 'Begin as a proxy does, by the PROXY protocol' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -l tls-max -d 'Speak no newer version of TLS than this' -r -f -a "1.2\t''
1.3\t''"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l tls-cipher -d 'Offer only these cipher suites of TLS' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand send" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand send" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand send" -l flowed -d 'Let the paragraphs of the text flow to the width of a window'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l one-click -d 'Say that a POST to the https: URL unsubscribes, without further questions'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l auto -d 'Say that no person wrote the message, so that no program answers it'
complete -c envoi -n "__fish_envoi_using_subcommand send" -s E -l skip-empty -d 'Send nothing if there is no text, no HTML and no attachment'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l resend -d 'Send the finished message on, from you to further recipients'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l require-tls -d 'Send under verified TLS only, on all its way, or not at all'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l all-or-nothing -d 'Send to nobody unless the server accepts every recipient'
complete -c envoi -n "__fish_envoi_using_subcommand send" -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c envoi -n "__fish_envoi_using_subcommand send" -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l tls-system-roots -d 'Trust what the system trusts instead of the built-in certificates'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l allow-cleartext-auth -d 'Allow a password to be sent over an unprotected connection'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l queue -d 'Keep what cannot be sent now, and try it again later'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l queue-only -d 'Keep the message, and do not try it now'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l no-queue -d 'Keep nothing for later, whatever the configuration says'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l raw -d 'With -v or --transcript: show the octets of the wire, too'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l show-secrets -d 'With -v, --transcript or --events: show passwords and tokens'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l as-is -d 'Send the message of --message untouched'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l xclient-before-starttls -d 'Say XCLIENT before STARTTLS'
complete -c envoi -n "__fish_envoi_using_subcommand send" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand send" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand send" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand send" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand check" -l ports -d 'Look at these other ports of the server, too' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l warn-days -d 'Warn of certificates that expire within so many days' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l domain -d 'Look at what DOMAIN publishes for its mail' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l selector -d 'Look for the DKIM key of this name' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l helo -d 'Call ourselves NAME when greeting the server' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l proxy -d 'Connect to servers through this proxy' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l source -d 'Connect from ADDRESS, one of this machine\'s' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l tls-ca -d 'Trust the certificates in FILE instead of the built-in ones' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand check" -l tls-verify -d 'With ‘no’, accept any certificate (warns every time)' -r -f -a "yes\t''
no\t''"
complete -c envoi -n "__fish_envoi_using_subcommand check" -l tls-name -d 'Expect NAME in the certificate instead of the server\'s name' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l tls-pin -d 'Accept this certificate or key of the server, and no other' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l tls-cert -d 'Say who we are by the certificate in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand check" -l tls-key -d 'The key of that certificate is in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand check" -l tls-min -d 'Speak no older version of TLS than this' -r -f -a "1.2\t''
1.3\t''"
complete -c envoi -n "__fish_envoi_using_subcommand check" -l tls-sni -d 'Ask the server for NAME, if it has several' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l user -d 'Sign in as USER' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l password-from -d 'Take the password from SOURCE' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l auth -d 'Sign in by one of these mechanisms, in this order' -r -f -a "OAUTHBEARER\t''
XOAUTH2\t''
SCRAM-SHA-256-PLUS\t''
SCRAM-SHA-1-PLUS\t''
SCRAM-SHA-256\t''
SCRAM-SHA-1\t''
PLAIN\t''
LOGIN\t''
CRAM-MD5\t''
EXTERNAL\t''
ANONYMOUS\t''"
complete -c envoi -n "__fish_envoi_using_subcommand check" -l server -d 'Look at this server; repeat it for others' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l deadline -d 'Stop looking after this time, whatever is going on' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l timeout -d 'Wait no longer than this for any one thing' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -l pipelining -d 'Send several commands at once, or not' -r -f -a "off\t''
standard\t''"
complete -c envoi -n "__fish_envoi_using_subcommand check" -l chunking -d 'Send the message in chunks (BDAT) instead of by DATA, or not' -r -f -a "auto\t''
on\t''
off\t''"
complete -c envoi -n "__fish_envoi_using_subcommand check" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand check" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand check" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand check" -l all-mechanisms -d 'Once signed in, try every other mechanism that the server offers'
complete -c envoi -n "__fish_envoi_using_subcommand check" -l monitor -d 'Print one line and end as a plug-in of Nagios does'
complete -c envoi -n "__fish_envoi_using_subcommand check" -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c envoi -n "__fish_envoi_using_subcommand check" -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c envoi -n "__fish_envoi_using_subcommand check" -l tls-system-roots -d 'Trust what the system trusts instead of the built-in certificates'
complete -c envoi -n "__fish_envoi_using_subcommand check" -l allow-cleartext-auth -d 'Allow a password to be sent over an unprotected connection'
complete -c envoi -n "__fish_envoi_using_subcommand check" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand check" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand check" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand check" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l mbox -d 'Append the messages to this mailbox, in place of a Maildir' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l eml -d 'Write each message to a file ID.eml in DIR, in place of a Maildir' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l max-messages -d 'Take no more messages than this' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l max-recipients -d 'Take no more recipients of a message than this' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l pipe -d 'Give each message to this command, too' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l forward -d 'Send each message on to this server, too' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l listen -d 'Listen here, in clear with STARTTLS' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l listen-tls -d 'Listen here, with TLS from the first octet' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l listen-lmtp -d 'Listen here for LMTP, in clear with STARTTLS' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l ca-out -d 'Write the certificate that clients must trust to FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l user -d 'Let this user sign in, and nobody else' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l tls-client-ca -d 'Ask clients for a certificate that an authority in FILE vouches for' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l without -d 'Do not offer this extension or mechanism' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l size-limit -d 'Refuse messages with more octets than this' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l hold-limit -d 'Offer FUTURERELEASE, for holding messages up to this long' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l xclient -d 'Offer XCLIENT, by which a client says whom it is to be taken for' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l refuse -d 'Refuse this recipient with this reply' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l refuse-after-data -d 'Refuse this recipient when the message has come' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l rules -d 'Misbehave by the rules in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l fault -d 'Misbehave at this stage' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l run -d 'Run this command, and end with it' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l memory -d 'Write no message to disk'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l require-auth -d 'Take mail only from clients that signed in'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l proxy-protocol -d 'Take connections only through a proxy, which says for whom it connects'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l require-tls -d 'Take mail only under TLS'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l allow-cleartext-auth -d 'Offer AUTH without TLS, too'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l once -d 'End after one message'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and not __fish_seen_subcommand_from wait" -a "wait" -d 'Wait for a message that was caught, and print it as JSON'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -l to -d 'It is for this address, whoever else gets it' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -l from -d 'It is from this address; \'\' is the sender of reports' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -l subject -d 'Its subject has this text in it' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -l dir -d 'The Maildir to look in' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -l mbox -d 'The mailbox to look in, that of --mbox of ‘envoi sink’' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -l eml -d 'The directory to look in, that of --eml of ‘envoi sink’' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -l timeout -d 'How long to wait' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand sink; and __fish_seen_subcommand_from wait" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -f -a "list" -d 'List what is in the queue'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -f -a "show" -d 'Show one message, and everything that is known about it'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -f -a "run" -d 'Try what is due'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -f -a "hold" -d 'Let messages wait until they are released'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -f -a "release" -d 'Let messages that were held go on, due now'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -f -a "remove" -d 'Take messages out of the queue, unsent'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and not __fish_seen_subcommand_from list show run hold release remove log" -f -a "log" -d 'Show what happened to messages, those that are gone included'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from list" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from list" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from list" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from list" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from show" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from show" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from show" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from show" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from run" -l connections -d 'The most connections at a time' -r
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from run" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from run" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from run" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from run" -l all -d 'Try everything that is not held, due or not'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from run" -l watch -d 'Stay, and try what is due when it is due'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from run" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from hold" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from hold" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from hold" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from hold" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from hold" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from hold" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from hold" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from release" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from release" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from release" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from release" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from release" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from release" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from release" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from remove" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from remove" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from remove" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from remove" -l failed -d 'Remove every message that failed for all who do not have it'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from remove" -l all -d 'Remove every message, and those that were set aside'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from log" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from log" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from log" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from log" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from log" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from log" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand queue; and __fish_seen_subcommand_from log" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -f -a "add" -d 'Find the servers of a mail address, sign in, and write the account'
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -f -a "list" -d 'List the accounts that are configured'
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -f -a "login" -d 'Log in at whoever issues tokens for an account'
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -f -a "logout" -d 'Remove the tokens of a login'
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -f -a "show" -d 'Show what an account says, and where each value comes from'
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -f -a "remove" -d 'Remove an account from the configuration'
complete -c envoi -n "__fish_envoi_using_subcommand account; and not __fish_seen_subcommand_from add list login logout show remove import" -f -a "import" -d 'Take over accounts from msmtp, ssmtp, dma or nullmailer'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l name -d 'Call the account NAME' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l full-name -d 'Put this name before the address in From' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l accept -d 'Take HOST, though it is in another domain and nobody vouches for it' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l ispdb -d 'Whether to ask Mozilla\'s database of providers: yes or no' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l store -d 'Where the password, or the tokens, are kept from now on' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l issuer -d 'Get tokens from ISSUER' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l tenant -d 'Ask this directory of Microsoft\'s' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l client-id -d 'What the issuer calls this client' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l client-secret-from -d 'Take the secret of the client from SOURCE' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l scope -d 'Ask for tokens that are good for SCOPE' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l helo -d 'Call ourselves NAME when greeting the server' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l proxy -d 'Connect to servers through this proxy' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l source -d 'Connect from ADDRESS, one of this machine\'s' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l timeout -d 'Wait no longer than this for any one thing' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l deadline -d 'Stop sending after this time, whatever is going on' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l pipelining -d 'Send several commands at once, or not' -r -f -a "off\t''
standard\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l chunking -d 'Send the message in chunks (BDAT) instead of by DATA, or not' -r -f -a "auto\t''
on\t''
off\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l tls-ca -d 'Trust the certificates in FILE instead of the built-in ones' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l tls-verify -d 'With ‘no’, accept any certificate (warns every time)' -r -f -a "yes\t''
no\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l tls-name -d 'Expect NAME in the certificate instead of the server\'s name' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l tls-pin -d 'Accept this certificate or key of the server, and no other' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l tls-cert -d 'Say who we are by the certificate in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l tls-key -d 'The key of that certificate is in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l tls-min -d 'Speak no older version of TLS than this' -r -f -a "1.2\t''
1.3\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l tls-sni -d 'Ask the server for NAME, if it has several' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l auth -d 'Sign in by one of these mechanisms, in this order' -r -f -a "OAUTHBEARER\t''
XOAUTH2\t''
SCRAM-SHA-256-PLUS\t''
SCRAM-SHA-1-PLUS\t''
SCRAM-SHA-256\t''
SCRAM-SHA-1\t''
PLAIN\t''
LOGIN\t''
CRAM-MD5\t''
EXTERNAL\t''
ANONYMOUS\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l server -d 'Use this server, and search for none; repeat it for others to fall back on' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l user -d 'Sign in as NAME' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l password-from -d 'Take the password from SOURCE, now and from now on' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l default -d 'Use it where nothing else chooses an account'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l replace -d 'Put it in the place of an account of the same name'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -s n -l dry-run -d 'Find and test, and print what would be written; write nothing'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l no-test -d 'Write the account without signing in first'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l guess -d 'Where nobody names a server, try the usual names'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l no-sign-in -d 'The server takes mail from here without a sign-in'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l browser -d 'Log in with a browser of this machine'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l device -d 'Log in with a code, at any other device'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l tls-system-roots -d 'Trust what the system trusts instead of the built-in certificates'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l allow-cleartext-auth -d 'Allow a password to be sent over an unprotected connection'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from list" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from list" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from list" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from list" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l issuer -d 'Get tokens from ISSUER' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l tenant -d 'Ask this directory of Microsoft\'s' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l client-id -d 'What the issuer calls this client' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l client-secret-from -d 'Take the secret of the client from SOURCE' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l scope -d 'Ask for tokens that are good for SCOPE' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l store -d 'Keep the tokens in STORE' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l server -d 'Submit to this server; repeat it for others to fall back on' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l helo -d 'Call ourselves NAME when greeting the server' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l proxy -d 'Connect to servers through this proxy' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l source -d 'Connect from ADDRESS, one of this machine\'s' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l timeout -d 'Wait no longer than this for any one thing' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l deadline -d 'Stop sending after this time, whatever is going on' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l pipelining -d 'Send several commands at once, or not' -r -f -a "off\t''
standard\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l chunking -d 'Send the message in chunks (BDAT) instead of by DATA, or not' -r -f -a "auto\t''
on\t''
off\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l tls-ca -d 'Trust the certificates in FILE instead of the built-in ones' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l tls-verify -d 'With ‘no’, accept any certificate (warns every time)' -r -f -a "yes\t''
no\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l tls-name -d 'Expect NAME in the certificate instead of the server\'s name' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l tls-pin -d 'Accept this certificate or key of the server, and no other' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l tls-cert -d 'Say who we are by the certificate in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l tls-key -d 'The key of that certificate is in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l tls-min -d 'Speak no older version of TLS than this' -r -f -a "1.2\t''
1.3\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l tls-sni -d 'Ask the server for NAME, if it has several' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l user -d 'Sign in as USER' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l password-from -d 'Take the password from SOURCE' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l auth -d 'Sign in by one of these mechanisms, in this order' -r -f -a "OAUTHBEARER\t''
XOAUTH2\t''
SCRAM-SHA-256-PLUS\t''
SCRAM-SHA-1-PLUS\t''
SCRAM-SHA-256\t''
SCRAM-SHA-1\t''
PLAIN\t''
LOGIN\t''
CRAM-MD5\t''
EXTERNAL\t''
ANONYMOUS\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l browser -d 'Log in with a browser of this machine'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l device -d 'Log in with a code, at any other device'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l tls-system-roots -d 'Trust what the system trusts instead of the built-in certificates'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l allow-cleartext-auth -d 'Allow a password to be sent over an unprotected connection'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from login" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l server -d 'Submit to this server; repeat it for others to fall back on' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l helo -d 'Call ourselves NAME when greeting the server' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l proxy -d 'Connect to servers through this proxy' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l source -d 'Connect from ADDRESS, one of this machine\'s' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l timeout -d 'Wait no longer than this for any one thing' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l deadline -d 'Stop sending after this time, whatever is going on' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l pipelining -d 'Send several commands at once, or not' -r -f -a "off\t''
standard\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l chunking -d 'Send the message in chunks (BDAT) instead of by DATA, or not' -r -f -a "auto\t''
on\t''
off\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l tls-ca -d 'Trust the certificates in FILE instead of the built-in ones' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l tls-verify -d 'With ‘no’, accept any certificate (warns every time)' -r -f -a "yes\t''
no\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l tls-name -d 'Expect NAME in the certificate instead of the server\'s name' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l tls-pin -d 'Accept this certificate or key of the server, and no other' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l tls-cert -d 'Say who we are by the certificate in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l tls-key -d 'The key of that certificate is in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l tls-min -d 'Speak no older version of TLS than this' -r -f -a "1.2\t''
1.3\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l tls-sni -d 'Ask the server for NAME, if it has several' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l user -d 'Sign in as USER' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l password-from -d 'Take the password from SOURCE' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l auth -d 'Sign in by one of these mechanisms, in this order' -r -f -a "OAUTHBEARER\t''
XOAUTH2\t''
SCRAM-SHA-256-PLUS\t''
SCRAM-SHA-1-PLUS\t''
SCRAM-SHA-256\t''
SCRAM-SHA-1\t''
PLAIN\t''
LOGIN\t''
CRAM-MD5\t''
EXTERNAL\t''
ANONYMOUS\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l tls-system-roots -d 'Trust what the system trusts instead of the built-in certificates'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l allow-cleartext-auth -d 'Allow a password to be sent over an unprotected connection'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from logout" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l for -d 'Show the account for messages from ADDRESS' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l server -d 'Submit to this server; repeat it for others to fall back on' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l helo -d 'Call ourselves NAME when greeting the server' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l proxy -d 'Connect to servers through this proxy' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l source -d 'Connect from ADDRESS, one of this machine\'s' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l timeout -d 'Wait no longer than this for any one thing' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l deadline -d 'Stop sending after this time, whatever is going on' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l pipelining -d 'Send several commands at once, or not' -r -f -a "off\t''
standard\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l chunking -d 'Send the message in chunks (BDAT) instead of by DATA, or not' -r -f -a "auto\t''
on\t''
off\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l tls-ca -d 'Trust the certificates in FILE instead of the built-in ones' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l tls-verify -d 'With ‘no’, accept any certificate (warns every time)' -r -f -a "yes\t''
no\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l tls-name -d 'Expect NAME in the certificate instead of the server\'s name' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l tls-pin -d 'Accept this certificate or key of the server, and no other' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l tls-cert -d 'Say who we are by the certificate in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l tls-key -d 'The key of that certificate is in FILE' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l tls-min -d 'Speak no older version of TLS than this' -r -f -a "1.2\t''
1.3\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l tls-sni -d 'Ask the server for NAME, if it has several' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l user -d 'Sign in as USER' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l password-from -d 'Take the password from SOURCE' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l auth -d 'Sign in by one of these mechanisms, in this order' -r -f -a "OAUTHBEARER\t''
XOAUTH2\t''
SCRAM-SHA-256-PLUS\t''
SCRAM-SHA-1-PLUS\t''
SCRAM-SHA-256\t''
SCRAM-SHA-1\t''
PLAIN\t''
LOGIN\t''
CRAM-MD5\t''
EXTERNAL\t''
ANONYMOUS\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l tls-system-roots -d 'Trust what the system trusts instead of the built-in certificates'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l allow-cleartext-auth -d 'Allow a password to be sent over an unprotected connection'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from remove" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from remove" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from remove" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from remove" -l forget -d 'Remove its password and tokens, too'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from import" -l format -d 'The program whose file it is, where its name does not tell' -r -f -a "msmtp\t''
ssmtp\t''
dma\t''
nullmailer\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from import" -l name -d 'What to call the account, if there is one only' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from import" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from import" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from import" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from import" -l write -d 'Write the accounts into the configuration'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from import" -l replace -d 'Let the accounts take the place of those with the same names'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from import" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand account; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand completions" -s A -l account -d 'Use this account of the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand completions" -s C -l config -d 'Read this configuration instead of the usual files' -r -F
complete -c envoi -n "__fish_envoi_using_subcommand completions" -l color -d 'When to use colours, which only help and usage errors have' -r -f -a "auto\t''
always\t''
never\t''"
complete -c envoi -n "__fish_envoi_using_subcommand completions" -s v -l verbose -d 'Show the conversation with the server; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand completions" -s q -l quiet -d 'Print nothing but problems'
complete -c envoi -n "__fish_envoi_using_subcommand completions" -l json -d 'Print JSON on standard output'
complete -c envoi -n "__fish_envoi_using_subcommand completions" -s h -l help -d 'Print help; --help prints more of it than -h'
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s f -d 'The sender of the envelope; \'\' and \'<>\' are the one that wants no reports of failure' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s r -d 'The same as -f' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s F -d 'The full name of the sender, for a From that is added' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s N -d 'When reports come back: never; or failure, delay and success, one or more with commas' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s R -d 'How much of the message a report of failure has in it: full or hdrs' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s V -d 'A name for the message, to know it by in reports' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s b -d 'm, the default: send the message on standard input. s: speak SMTP on standard input and output. v: say who the recipients are, and send nothing. i: the same as newaliases, which has nothing to do. p: list the queue, as mailq does. q: keep the message in the queue, and do not try it now' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s o -d 'i is the same as -i. dq keeps the message in the queue and does not try it now; db and di, the default, try it first. Others, such as em, eq and 7, have no effect; the log has those that callers do not usually give' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s q -d 'Try everything in the queue, once, whatever time is given; -qIID, only that message' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s A -d 'No effect' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s B -d '7BIT or 8BITMIME; no effect: what the body is, is seen' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s C -d 'No effect: no caller chooses the configuration' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s D -d 'No effect' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s d -d 'No effect' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s e -d 'No effect: errors are told at once' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s h -d 'No effect' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s L -d 'What the log calls the caller' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s M -d 'No effect' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s O -d 'No effect; the log has it' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s p -d 'No effect' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s X -d 'No effect: no file is written' -r
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s t -d 'Send to those whom To, Cc and Bcc name, and to the recipients on the command line; of a message with Resent fields, to those of the Resent fields that stand highest'
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s i -d 'A line with a single dot does not end the message; it never does unless the message is typed at a terminal'
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s v -d 'Show the conversation with the server on standard error; twice, in full'
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s I -d 'The same as -bi'
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s c -d 'No effect'
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s G -d 'No effect'
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s m -d 'No effect'
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s n -d 'No effect: aliases are always expanded'
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s U -d 'No effect'
complete -c envoi -n "__fish_envoi_using_subcommand sendmail" -s x -d 'No effect'
