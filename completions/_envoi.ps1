
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'envoi' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'envoi'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'envoi' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Use this account of the configuration')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Use this account of the configuration')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Read this configuration instead of the usual files')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration instead of the usual files')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours, which only help and usage errors have')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the conversation with the server; twice, in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the conversation with the server; twice, in full')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but problems')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but problems')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON on standard output')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help; --help prints more of it than -h')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help; --help prints more of it than -h')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print the version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print the version')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Compose a message, or take a finished one, and submit it')
            [CompletionResult]::new('sink', 'sink', [CompletionResultType]::ParameterValue, 'Catch mail on this machine instead of sending it')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script for a shell')
            [CompletionResult]::new('sendmail', 'sendmail', [CompletionResultType]::ParameterValue, 'Send a message as sendmail(1) does, for programs that call that')
            break
        }
        'envoi;send' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Who the message is from')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Who the message is from')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Who the message is to; may be repeated, or a list with commas')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Who the message is to; may be repeated, or a list with commas')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Who gets a copy')
            [CompletionResult]::new('--cc', '--cc', [CompletionResultType]::ParameterName, 'Who gets a copy')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Who gets a copy that the others do not see')
            [CompletionResult]::new('--bcc', '--bcc', [CompletionResultType]::ParameterName, 'Who gets a copy that the others do not see')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The subject')
            [CompletionResult]::new('--subject', '--subject', [CompletionResultType]::ParameterName, 'The subject')
            [CompletionResult]::new('--reply-to', '--reply-to', [CompletionResultType]::ParameterName, 'Where answers go')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Attach a file; may be repeated')
            [CompletionResult]::new('--attach', '--attach', [CompletionResultType]::ParameterName, 'Attach a file; may be repeated')
            [CompletionResult]::new('--attach-name', '--attach-name', [CompletionResultType]::ParameterName, 'The name of the attachment before this option')
            [CompletionResult]::new('--attach-type', '--attach-type', [CompletionResultType]::ParameterName, 'The media type of the attachment before this option')
            [CompletionResult]::new('--body', '--body', [CompletionResultType]::ParameterName, 'The text of the message')
            [CompletionResult]::new('--body-file', '--body-file', [CompletionResultType]::ParameterName, 'Read the text of the message from FILE; ‘-'’ is standard input')
            [CompletionResult]::new('--html', '--html', [CompletionResultType]::ParameterName, 'Read an HTML form of the text from FILE; ‘-'’ is standard input')
            [CompletionResult]::new('--markdown', '--markdown', [CompletionResultType]::ParameterName, 'Read the text in Markdown from FILE; ‘-'’ is standard input')
            [CompletionResult]::new('--inline', '--inline', [CompletionResultType]::ParameterName, 'Send a file that the HTML shows, such as a picture; may be repeated')
            [CompletionResult]::new('--in-reply-to', '--in-reply-to', [CompletionResultType]::ParameterName, 'The Message-ID of the message that this one answers')
            [CompletionResult]::new('--references', '--references', [CompletionResultType]::ParameterName, 'The Message-IDs of the conversation before, the first one first')
            [CompletionResult]::new('--list-unsubscribe', '--list-unsubscribe', [CompletionResultType]::ParameterName, 'Where to unsubscribe, an https: or mailto: URL; may be repeated')
            [CompletionResult]::new('--priority', '--priority', [CompletionResultType]::ParameterName, 'How urgent the message is to who reads it: high, normal or low')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Add a header field; may be repeated')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Add a header field; may be repeated')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'Send the finished message in FILE; ‘-'’ is standard input')
            [CompletionResult]::new('--envelope-from', '--envelope-from', [CompletionResultType]::ParameterName, 'The address that reports of failure go to')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Submit to this server; repeat it for others to fall back on')
            [CompletionResult]::new('--helo', '--helo', [CompletionResultType]::ParameterName, 'Call ourselves NAME when greeting the server')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Wait no longer than this for any one thing')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Stop sending after this time, whatever is going on')
            [CompletionResult]::new('--pipelining', '--pipelining', [CompletionResultType]::ParameterName, 'Send several commands at once, or not')
            [CompletionResult]::new('--tls-ca', '--tls-ca', [CompletionResultType]::ParameterName, 'Trust the certificates in FILE instead of the built-in ones')
            [CompletionResult]::new('--tls-verify', '--tls-verify', [CompletionResultType]::ParameterName, 'With ‘no'’, accept any certificate (warns every time)')
            [CompletionResult]::new('--tls-name', '--tls-name', [CompletionResultType]::ParameterName, 'Expect NAME in the certificate instead of the server''s name')
            [CompletionResult]::new('--tls-pin', '--tls-pin', [CompletionResultType]::ParameterName, 'Accept this certificate or key of the server, and no other')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'Say who we are by the certificate in FILE')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'The key of that certificate is in FILE')
            [CompletionResult]::new('--tls-min', '--tls-min', [CompletionResultType]::ParameterName, 'Speak no older version of TLS than this')
            [CompletionResult]::new('--tls-sni', '--tls-sni', [CompletionResultType]::ParameterName, 'Ask the server for NAME, if it has several')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Sign in as USER')
            [CompletionResult]::new('--password-from', '--password-from', [CompletionResultType]::ParameterName, 'Take the password from SOURCE')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Sign in by one of these mechanisms, in this order')
            [CompletionResult]::new('--save-sent', '--save-sent', [CompletionResultType]::ParameterName, 'Keep a copy of the message in the Maildir DIR once it is sent')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Print envelope and message instead of sending them')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print envelope and message instead of sending them')
            [CompletionResult]::new('--transcript', '--transcript', [CompletionResultType]::ParameterName, 'Write the conversation with the server to FILE')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Use this account of the configuration')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Use this account of the configuration')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Read this configuration instead of the usual files')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration instead of the usual files')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours, which only help and usage errors have')
            [CompletionResult]::new('--flowed', '--flowed', [CompletionResultType]::ParameterName, 'Let the paragraphs of the text flow to the width of a window')
            [CompletionResult]::new('--one-click', '--one-click', [CompletionResultType]::ParameterName, 'Say that a POST to the https: URL unsubscribes, without further questions')
            [CompletionResult]::new('--auto', '--auto', [CompletionResultType]::ParameterName, 'Say that no person wrote the message, so that no program answers it')
            [CompletionResult]::new('-E', '-E ', [CompletionResultType]::ParameterName, 'Send nothing if there is no text, no HTML and no attachment')
            [CompletionResult]::new('--skip-empty', '--skip-empty', [CompletionResultType]::ParameterName, 'Send nothing if there is no text, no HTML and no attachment')
            [CompletionResult]::new('--resend', '--resend', [CompletionResultType]::ParameterName, 'Send the finished message on, from you to further recipients')
            [CompletionResult]::new('--all-or-nothing', '--all-or-nothing', [CompletionResultType]::ParameterName, 'Send to nobody unless the server accepts every recipient')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('--ipv4', '--ipv4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('--ipv6', '--ipv6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('--tls-system-roots', '--tls-system-roots', [CompletionResultType]::ParameterName, 'Trust what the system trusts instead of the built-in certificates')
            [CompletionResult]::new('--allow-cleartext-auth', '--allow-cleartext-auth', [CompletionResultType]::ParameterName, 'Allow a password to be sent over an unprotected connection')
            [CompletionResult]::new('--no-queue', '--no-queue', [CompletionResultType]::ParameterName, 'Keep nothing for later; this version never does')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the conversation with the server; twice, in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the conversation with the server; twice, in full')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but problems')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but problems')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON on standard output')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help; --help prints more of it than -h')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help; --help prints more of it than -h')
            break
        }
        'envoi;sink' {
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Listen here, in clear with STARTTLS')
            [CompletionResult]::new('--listen-tls', '--listen-tls', [CompletionResultType]::ParameterName, 'Listen here, with TLS from the first octet')
            [CompletionResult]::new('--ca-out', '--ca-out', [CompletionResultType]::ParameterName, 'Write the certificate that clients must trust to FILE')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Let this user sign in, and nobody else')
            [CompletionResult]::new('--tls-client-ca', '--tls-client-ca', [CompletionResultType]::ParameterName, 'Ask clients for a certificate that an authority in FILE vouches for')
            [CompletionResult]::new('--without', '--without', [CompletionResultType]::ParameterName, 'Do not offer this extension or mechanism')
            [CompletionResult]::new('--size-limit', '--size-limit', [CompletionResultType]::ParameterName, 'Refuse messages with more octets than this')
            [CompletionResult]::new('--refuse', '--refuse', [CompletionResultType]::ParameterName, 'Refuse this recipient with this reply')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Use this account of the configuration')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Use this account of the configuration')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Read this configuration instead of the usual files')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration instead of the usual files')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours, which only help and usage errors have')
            [CompletionResult]::new('--require-auth', '--require-auth', [CompletionResultType]::ParameterName, 'Take mail only from clients that signed in')
            [CompletionResult]::new('--require-tls', '--require-tls', [CompletionResultType]::ParameterName, 'Take mail only under TLS')
            [CompletionResult]::new('--allow-cleartext-auth', '--allow-cleartext-auth', [CompletionResultType]::ParameterName, 'Offer AUTH without TLS, too')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'End after one message')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the conversation with the server; twice, in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the conversation with the server; twice, in full')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but problems')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but problems')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON on standard output')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help; --help prints more of it than -h')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help; --help prints more of it than -h')
            break
        }
        'envoi;completions' {
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'Use this account of the configuration')
            [CompletionResult]::new('--account', '--account', [CompletionResultType]::ParameterName, 'Use this account of the configuration')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'Read this configuration instead of the usual files')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration instead of the usual files')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colours, which only help and usage errors have')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the conversation with the server; twice, in full')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the conversation with the server; twice, in full')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing but problems')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing but problems')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print JSON on standard output')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help; --help prints more of it than -h')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help; --help prints more of it than -h')
            break
        }
        'envoi;sendmail' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'The sender of the envelope; '''' and ''<>'' are the one that wants no reports of failure')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'The same as -f')
            [CompletionResult]::new('-F', '-F ', [CompletionResultType]::ParameterName, 'The full name of the sender, for a From that is added')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'm, the default: send the message on standard input. i: the same as newaliases, which has nothing to do. p, s, v and others are not there yet')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'i is the same as -i. Others, such as em, eq, db and 7, have no effect')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Run the queue; not there yet')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'No effect')
            [CompletionResult]::new('-B', '-B ', [CompletionResultType]::ParameterName, '7BIT or 8BITMIME; no effect: what the body is, is seen')
            [CompletionResult]::new('-C', '-C ', [CompletionResultType]::ParameterName, 'No effect: no caller chooses the configuration')
            [CompletionResult]::new('-D', '-D ', [CompletionResultType]::ParameterName, 'No effect')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'No effect')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'No effect')
            [CompletionResult]::new('-L', '-L ', [CompletionResultType]::ParameterName, 'No effect')
            [CompletionResult]::new('-M', '-M ', [CompletionResultType]::ParameterName, 'No effect')
            [CompletionResult]::new('-N', '-N ', [CompletionResultType]::ParameterName, 'No effect yet')
            [CompletionResult]::new('-O', '-O ', [CompletionResultType]::ParameterName, 'No effect')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'No effect')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'No effect yet')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'No effect yet')
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'No effect: no file is written')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Send to those whom To, Cc and Bcc name, and to the recipients on the command line; of a message with Resent fields, to those of the Resent fields that stand highest')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'A line with a single dot does not end the message; it never does unless the message is typed at a terminal')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the conversation with the server on standard error; twice, in full')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'The same as -bi')
            [CompletionResult]::new('-G', '-G ', [CompletionResultType]::ParameterName, 'No effect')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'No effect')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'No effect: aliases are always expanded')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'No effect')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
