<?php
// The arguments: recipient, copy, blind copy, and the options of sendmail.
[, $to, $cc, $bcc, $options] = $argv;
$subject = '=?UTF-8?B?' . base64_encode('Grüße aus Zürich') . '?=';
// As so many scripts have it: CRLF between the fields, both in the text.
$text = "Grüezi\r\n.\n..two\r\nend\n";
$fields = [
    'From' => 'Shop <shop@example.net>',
    'Cc' => $cc,
    'Bcc' => $bcc,
    'MIME-Version' => '1.0',
    'Content-Type' => 'text/plain; charset=utf-8',
    'Content-Transfer-Encoding' => '8bit',
];
exit(mail($to, $subject, $text, $fields, $options) ? 0 : 1);
