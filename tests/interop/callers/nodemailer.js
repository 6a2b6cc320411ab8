// The arguments: recipient, copy, blind copy.
const [to, cc, bcc] = process.argv.slice(2);
const nodemailer = require('nodemailer');

nodemailer
  .createTransport({ sendmail: true })
  .sendMail({
    from: 'Zoë Tester <zoe@example.net>',
    to,
    cc,
    bcc,
    subject: 'Grüße aus Zürich',
    text: 'Grüezi\n.\n..two\nend\n',
    attachments: [{ filename: 'Übersicht.bin', content: Buffer.from([...Array(256).keys()]) }],
  })
  .catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
