
use builtin;
use str;

set edit:completion:arg-completer[envoi] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'envoi'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'envoi'= {
            cand -A 'Use this account of the configuration'
            cand --account 'Use this account of the configuration'
            cand -C 'Read this configuration instead of the usual files'
            cand --config 'Read this configuration instead of the usual files'
            cand --color 'When to use colours, which only help and usage errors have'
            cand -v 'Show the conversation with the server; twice, in full'
            cand --verbose 'Show the conversation with the server; twice, in full'
            cand -q 'Print nothing but problems'
            cand --quiet 'Print nothing but problems'
            cand --json 'Print JSON on standard output'
            cand -h 'Print help; --help prints more of it than -h'
            cand --help 'Print help; --help prints more of it than -h'
            cand -V 'Print the version'
            cand --version 'Print the version'
            cand send 'Compose a message, or take a finished one, and submit it'
            cand sink 'Catch mail on this machine instead of sending it'
            cand completions 'Print the completion script for a shell'
        }
        &'envoi;send'= {
            cand -f 'Who the message is from'
            cand --from 'Who the message is from'
            cand -t 'Who the message is to; may be repeated, or a list with commas'
            cand --to 'Who the message is to; may be repeated, or a list with commas'
            cand -c 'Who gets a copy'
            cand --cc 'Who gets a copy'
            cand -b 'Who gets a copy that the others do not see'
            cand --bcc 'Who gets a copy that the others do not see'
            cand -s 'The subject'
            cand --subject 'The subject'
            cand --reply-to 'Where answers go'
            cand -a 'Attach a file; may be repeated'
            cand --attach 'Attach a file; may be repeated'
            cand --attach-name 'The name of the attachment before this option'
            cand --attach-type 'The media type of the attachment before this option'
            cand --body 'The text of the message'
            cand --body-file 'Read the text of the message from FILE; ‘-’ is standard input'
            cand --html 'Read an HTML form of the text from FILE; ‘-’ is standard input'
            cand -H 'Add a header field; may be repeated'
            cand --header 'Add a header field; may be repeated'
            cand --message 'Send the finished message in FILE; ‘-’ is standard input'
            cand --envelope-from 'The address that reports of failure go to'
            cand --server 'Submit to this server; repeat it for others to fall back on'
            cand --helo 'Call ourselves NAME when greeting the server'
            cand --timeout 'Wait no longer than this for any one thing'
            cand --deadline 'Stop sending after this time, whatever is going on'
            cand --pipelining 'Send several commands at once, or not'
            cand --tls-ca 'Trust the certificates in FILE instead of the built-in ones'
            cand --tls-verify 'With ‘no’, accept any certificate (warns every time)'
            cand --tls-name 'Expect NAME in the certificate instead of the server''s name'
            cand --user 'Sign in as USER'
            cand --password-from 'Take the password from SOURCE'
            cand --auth 'Sign in by one of these mechanisms, in this order'
            cand --save-sent 'Keep a copy of the message in the Maildir DIR once it is sent'
            cand -n 'Print envelope and message instead of sending them'
            cand --dry-run 'Print envelope and message instead of sending them'
            cand --transcript 'Write the conversation with the server to FILE'
            cand -A 'Use this account of the configuration'
            cand --account 'Use this account of the configuration'
            cand -C 'Read this configuration instead of the usual files'
            cand --config 'Read this configuration instead of the usual files'
            cand --color 'When to use colours, which only help and usage errors have'
            cand -E 'Send nothing if there is no text, no HTML and no attachment'
            cand --skip-empty 'Send nothing if there is no text, no HTML and no attachment'
            cand --all-or-nothing 'Send to nobody unless the server accepts every recipient'
            cand -4 'Use IPv4 only'
            cand --ipv4 'Use IPv4 only'
            cand -6 'Use IPv6 only'
            cand --ipv6 'Use IPv6 only'
            cand --tls-system-roots 'Trust what the system trusts instead of the built-in certificates'
            cand --allow-cleartext-auth 'Allow a password to be sent over an unprotected connection'
            cand --no-queue 'Keep nothing for later; this version never does'
            cand -v 'Show the conversation with the server; twice, in full'
            cand --verbose 'Show the conversation with the server; twice, in full'
            cand -q 'Print nothing but problems'
            cand --quiet 'Print nothing but problems'
            cand --json 'Print JSON on standard output'
            cand -h 'Print help; --help prints more of it than -h'
            cand --help 'Print help; --help prints more of it than -h'
        }
        &'envoi;sink'= {
            cand --listen 'Listen here, in clear with STARTTLS'
            cand --listen-tls 'Listen here, with TLS from the first octet'
            cand --ca-out 'Write the certificate that clients must trust to FILE'
            cand --user 'Let this user sign in, and nobody else'
            cand --without 'Do not offer this extension or mechanism'
            cand --size-limit 'Refuse messages with more octets than this'
            cand --refuse 'Refuse this recipient with this reply'
            cand -A 'Use this account of the configuration'
            cand --account 'Use this account of the configuration'
            cand -C 'Read this configuration instead of the usual files'
            cand --config 'Read this configuration instead of the usual files'
            cand --color 'When to use colours, which only help and usage errors have'
            cand --require-auth 'Take mail only from clients that signed in'
            cand --require-tls 'Take mail only under TLS'
            cand --allow-cleartext-auth 'Offer AUTH without TLS, too'
            cand --once 'End after one message'
            cand -v 'Show the conversation with the server; twice, in full'
            cand --verbose 'Show the conversation with the server; twice, in full'
            cand -q 'Print nothing but problems'
            cand --quiet 'Print nothing but problems'
            cand --json 'Print JSON on standard output'
            cand -h 'Print help; --help prints more of it than -h'
            cand --help 'Print help; --help prints more of it than -h'
        }
        &'envoi;completions'= {
            cand -A 'Use this account of the configuration'
            cand --account 'Use this account of the configuration'
            cand -C 'Read this configuration instead of the usual files'
            cand --config 'Read this configuration instead of the usual files'
            cand --color 'When to use colours, which only help and usage errors have'
            cand -v 'Show the conversation with the server; twice, in full'
            cand --verbose 'Show the conversation with the server; twice, in full'
            cand -q 'Print nothing but problems'
            cand --quiet 'Print nothing but problems'
            cand --json 'Print JSON on standard output'
            cand -h 'Print help; --help prints more of it than -h'
            cand --help 'Print help; --help prints more of it than -h'
        }
    ]
    $completions[$command]
}
