//! Code shared by the variants: the job that renews the certificate's file, and the metrics of certificates.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use firedrill_core::incident::Env;
use firedrill_core::incident::certificate::{Certificate, CertificateFile, certificate_file};

/// Lifetime of a certificate.
const LIFE: Duration = Duration::from_secs(4);

/// Interval of renewals.
const RENEWED: Duration = Duration::from_secs(2);

/// The certificate's file. A job renews it in good time, whatever the service does with it.
pub fn renewed_file(env: &Env) -> Arc<CertificateFile> {
    struct Renewing;
    let file = certificate_file(env);
    let renewed = Arc::clone(&file);
    env.shared(|| {
        describe_counter!("certificate_renewals", Unit::Count, "certificates written to the file");
        describe_counter!("certificates_shown", Unit::Count, "certificates shown to new clients");
        describe_gauge!("certificate_left_s", Unit::Seconds, "until the one last shown expires");
        describe_counter!("certificates_expired", Unit::Count, "of those shown: expired by then");
        counter!("certificates_shown").increment(0);
        counter!("certificates_expired").increment(0);
        let renew = move || {
            // One that cannot be made is missing here, and the old one stays in the file.
            counter!("certificate_renewals").increment(renewed.renew(LIFE).is_ok().into());
        };
        renew();
        let mut first = true;
        env.every("certificate renewal", RENEWED, move || {
            if !std::mem::take(&mut first) {
                renew();
            }
        });
        Renewing
    });
    file
}

/// Shows a certificate to a client that connects.
pub fn show(certificate: &Certificate) -> Certificate {
    counter!("certificates_shown").increment(1);
    counter!("certificates_expired").increment((!certificate.is_valid()).into());
    gauge!("certificate_left_s").set(certificate.left_s());
    certificate.clone()
}
