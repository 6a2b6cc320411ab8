<?php
// The arguments: recipient, copy, blind copy, and those of a message that the same
// sendmail is given first. What is not sent is told, and the next one sent.
require 'Symfony/Component/Mailer/autoload.php';

use Symfony\Component\Mailer\Exception\TransportExceptionInterface;
use Symfony\Component\Mailer\Transport;
use Symfony\Component\Mime\Email;

[, $to, $cc, $bcc] = $argv;
$message = (new Email())
    ->from('Zoë Tester <zoe@example.net>')
    ->subject('Grüße aus Zürich')
    ->text("Grüezi\n.\n..two\nend\n")
    ->attach(implode('', array_map('chr', range(0, 255))), 'Übersicht.bin');
$messages = [(clone $message)->to($to)->cc($cc)->bcc($bcc)];
if ($first = array_slice($argv, 4)) {
    array_unshift($messages, (clone $message)->to(...$first));
}

$transport = Transport::fromDsn('sendmail://default');
$status = 0;
foreach ($messages as $message) {
    try {
        $transport->send($message);
    } catch (TransportExceptionInterface $exception) {
        fwrite(STDERR, $exception->getMessage() . "\n");
        $status = 1;
    }
}
exit($status);
