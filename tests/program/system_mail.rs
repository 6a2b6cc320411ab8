//! What callers of sendmail hand over that no scenario can hold.

use crate::running::Place;

#[test]
fn a_header_of_ten_megabytes_is_refused_with_a_sentence() {
    // SEC-15
    let place = Place::new();
    let config = "[accounts.main]\nserver = \"smtp+notls://localhost:1\"\n";
    place.write("config/envoi/config.toml", config, None);
    let field = format!("X-Long: {}\n", "x".repeat(10_000_000));
    let many = "X-Many: one of them\n".repeat(500_000);
    for header in [field, many] {
        let message = format!("From: a@x.example\nSubject: x\n{header}\nhi\n");
        let run = place.run(["sendmail", "b@x.example"], Some(&message));
        assert_eq!(run.status, 65, "{run}");
        assert!(run.stderr.starts_with("envoi: the header of"), "{run}");
    }
}
