//! What is stored, where and how whole, and what counts.

use super::{Client, PATIENCE, begun, open, stored};
use envoi::sink::{Event, Policy, Settings, Sink, Storage, Stored};
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

#[test]
fn a_maildir_gets_the_message_under_its_trace() {
    // RX-7
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::Maildir(directory.path().join("box"));
    let sink = Sink::start(Settings { storage, ..Settings::default() }).unwrap();
    let mut client = Client::greeted(&sink);
    for recipients in ["RCPT TO:<a@b.c>\r\n", "RCPT TO:<a@b.c>\r\nRCPT TO:<d@b.c>\r\n"] {
        client.write(format!("MAIL FROM:<x@y.z>\r\n{recipients}DATA\r\n").as_bytes());
        while client.reply() != 354 {}
        assert_eq!(client.ask("Subject: hi\r\n\r\nbody\r\n.\r\n"), 250);
    }
    // A message that is broken off leaves nothing.
    client.write(b"MAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n");
    while client.reply() != 354 {}
    client.write(b"half a mess");
    drop(client);

    let (one, two) = (stored(&sink), stored(&sink));
    sink.stop();
    let read = |message: &Stored| std::fs::read_to_string(message.path.as_ref().unwrap()).unwrap();
    let text = read(&one);
    let (trace, content) = text.split_once("Subject:").unwrap();
    assert_eq!(content, " hi\n\nbody\n");
    let lines: Vec<&str> = trace.lines().collect();
    assert_eq!(lines[0], "Return-Path: <x@y.z>");
    assert_eq!(lines[1], "Envelope-To: <a@b.c>");
    assert_eq!(lines[2], "Received: from client.example ([127.0.0.1])");
    assert_eq!(lines[3], format!("\tby localhost with ESMTP id {}", one.id));
    assert_eq!(lines[4], "\tfor <a@b.c>;");
    let offset = &lines[5][lines[5].len() - 5..];
    assert!(offset.starts_with(['+', '-']) && offset[1..].bytes().all(|b| b.is_ascii_digit()));
    let two = read(&two);
    assert!(
        two.contains("\nEnvelope-To: <a@b.c>,\n\t<d@b.c>\nReceived: ") && !two.contains("for <")
    );
    let files =
        |folder| std::fs::read_dir(directory.path().join("box").join(folder)).unwrap().count();
    assert_eq!((files("new"), files("tmp"), files("cur")), (2, 0, 0));
}

/// A receiver with this store, and a client that has begun a message.
fn storing(storage: Storage) -> (Sink, Client<TcpStream>) {
    let sink = Sink::start(Settings { storage, ..Settings::default() }).unwrap();
    let client = Client::greeted(&sink);
    (sink, client)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_eml_file_has_the_octets_as_they_came_and_appears_when_it_is_whole() {
    // RX-7
    let directory = tempfile::tempdir().unwrap();
    let (sink, mut client) = storing(Storage::Eml(directory.path().to_owned()));
    begun(&mut client, "");
    assert_eq!(client.ask("DATA\r\n"), 354);
    let large = format!("Subject: x\r\n\r\n{}", "a line\r\n".repeat(50_000));
    client.write(large.as_bytes());
    // What is written up to now is called otherwise.
    let is_there = |names: Vec<String>| names.iter().any(|name| name.starts_with('.'));
    let until = Instant::now() + PATIENCE;
    while !is_there(names(directory.path())) && Instant::now() < until {
        std::thread::yield_now();
    }
    assert_eq!(names(directory.path()).len(), 1);
    assert!(is_there(names(directory.path())));
    assert_eq!(client.ask(".\r\n"), 250);
    let message = stored(&sink);
    let expected = format!("{}.eml", message.id);
    assert_eq!(names(directory.path()), [expected]);
    let file = std::fs::read_to_string(message.path.unwrap()).unwrap();
    assert_eq!(file, format!("{}{large}", message.trace));
}

#[test]
fn what_is_broken_off_leaves_nothing_in_any_store() {
    let directory = tempfile::tempdir().unwrap();
    let [mbox, eml] = ["box", "eml"].map(|name| directory.path().join(name));
    for storage in [Storage::Mbox(mbox.clone()), Storage::Eml(eml.clone())] {
        let (sink, mut client) = storing(storage);
        begun(&mut client, "");
        assert_eq!(client.ask("DATA\r\n"), 354);
        client.write("x\r\n".repeat(200_000).as_bytes());
        drop(client);
        sink.finish(PATIENCE);
    }
    let mut left = names(directory.path());
    left.sort();
    assert_eq!(left, ["box", "eml"]);
    assert_eq!(std::fs::read(mbox).unwrap(), b"");
    assert_eq!(names(&eml), Vec::<String>::new());
}

#[test]
fn many_clients_fill_one_mailbox_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let mbox = directory.path().join("box");
    let (sink, _client) = storing(Storage::Mbox(mbox.clone()));
    // Small ones wait in memory, large ones in a file.
    let text = |number: usize| format!("{number}\r\n").repeat([10, 100_000][number % 2]);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let mut client = Client::greeted(&sink);
            scope.spawn(move || {
                for _ in 0..5 {
                    begun(&mut client, "");
                    assert_eq!(client.ask("DATA\r\n"), 354);
                    client.write(text(number).as_bytes());
                    assert_eq!(client.ask(".\r\n"), 250);
                }
            });
        }
    });
    let mailbox = envoi::mbox::Reader::new(mbox).fresh().unwrap();
    let mut contents: Vec<String> = mailbox
        .into_iter()
        .map(|message| {
            let message = String::from_utf8(message).unwrap();
            let (trace, _) = message.match_indices(" +0000\n").next().expect("a trace");
            message[trace + 7..].to_owned()
        })
        .collect();
    let mut expected: Vec<String> =
        (0..8).flat_map(|number| vec![text(number).replace('\r', ""); 5]).collect();
    contents.sort();
    expected.sort();
    assert!(contents == expected);
    assert_eq!(names(directory.path()), ["box"]);
}

#[test]
fn of_clients_that_end_at_the_same_time_no_more_are_taken_than_were_to_be() {
    let most_messages = Some(5);
    let sink = Sink::start(Settings { most_messages, ..Settings::default() }).unwrap();
    let waiting = (0..16).map(|_| {
        let mut client = Client::greeted(&sink);
        begun(&mut client, "");
        assert_eq!(client.ask("DATA\r\n"), 354);
        client
    });
    let waiting: Vec<_> = waiting.collect();
    let mut codes: Vec<u16> = std::thread::scope(|scope| {
        let ends = waiting.into_iter().map(|mut client| scope.spawn(move || client.ask(".\r\n")));
        let ends: Vec<_> = ends.collect();
        ends.into_iter().map(|end| end.join().unwrap()).collect()
    });
    codes.sort_unstable();
    assert_eq!(codes, [&[250; 5][..], &[452; 11]].concat());
    assert_eq!(Client::greeted(&sink).ask("MAIL FROM:<>\r\n"), 452);
    let taken = sink.finish(PATIENCE);
    assert_eq!(taken.iter().filter(|event| matches!(event, Event::Stored(_))).count(), 5);
}

#[test]
fn what_is_refused_or_cannot_be_kept_is_not_counted() {
    let directory = tempfile::tempdir().unwrap();
    let policy = Policy { size_limit: Some(10), ..Policy::default() };
    let storage = Storage::Eml(directory.path().join("eml"));
    let settings = Settings { policy, storage, most_messages: Some(1), ..Settings::default() };
    let sink = Sink::start(settings).unwrap();
    let mut client = Client::greeted(&sink);
    let mut send = |text: &str| {
        begun(&mut client, "");
        assert_eq!(client.ask("DATA\r\n"), 354);
        client.ask(&format!("{text}\r\n.\r\n"))
    };
    assert_eq!(send("larger than that"), 552);
    assert_eq!(send("a\rb"), 550);
    std::fs::remove_dir(directory.path().join("eml")).unwrap();
    assert_eq!(send("x"), 451);
    std::fs::create_dir(directory.path().join("eml")).unwrap();
    assert_eq!(send("x"), 250);
}

#[test]
fn a_message_that_cannot_be_written_is_read_to_its_end_and_deferred() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::Maildir(directory.path().to_owned());
    let sink = Sink::start(Settings { storage, ..Settings::default() }).unwrap();
    std::fs::remove_dir(directory.path().join("tmp")).unwrap();
    let mut client = Client::greeted(&sink);
    client.write(b"MAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n");
    while client.reply() != 354 {}
    assert_eq!(client.ask("QUIT\r\n.\r\n"), 451);
    assert_eq!(client.ask("NOOP\r\n"), 250);
    let failed = |event| matches!(event, Event::Failed { doing: "writing a message", .. });
    assert!(sink.events().try_iter().any(failed));
}

#[test]
fn binary_is_in_its_file_as_it_came() {
    // 3030-g
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::Maildir(directory.path().to_owned());
    let policy = open();
    let sink = Sink::start(Settings { policy, storage, ..Settings::default() }).unwrap();
    let mut client = Client::greeted(&sink);
    begun(&mut client, " BODY=BINARYMIME");
    client.write(b"BDAT 6 LAST\r\na\nb\rc\0");
    assert_eq!(client.reply(), 250);
    let file = std::fs::read(stored(&sink).path.unwrap()).unwrap();
    assert!(file.ends_with(b"\r\na\nb\rc\0"), "{}", file.escape_ascii());
}
