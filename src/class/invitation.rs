//! The address and code of a class, in words and as a QR code.

use maud::{Markup, PreEscaped, html};
use qrcode::QrCode;
use qrcode::render::svg;

/// The address and code that learners need.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The address of the join page.
    pub url: String,
    /// The join code.
    pub code: String,
    /// The QR code of [`Self::link`], as an SVG element.
    drawn: String,
}

impl Invitation {
    /// An invitation to an address.
    pub fn new(url: String, code: String) -> Self {
        let mut invitation = Self { url, code, drawn: String::new() };
        // An address is short enough for a QR code; a page without one still has the address.
        invitation.drawn =
            QrCode::new(invitation.link()).map_or(String::new(), |code| drawn(&code));
        invitation
    }

    /// The address with the code in it, as the QR code has it.
    pub fn link(&self) -> String {
        format!("{}?code={}", self.url, self.code)
    }
}

/// Address, code and QR code, readable from the last row.
pub fn invited(invitation: &Invitation) -> Markup {
    html! { div.fd-invited {
        div {
            p { "1. Open " strong { (invitation.url) } }
            p { "2. Type the code " strong.fd-join-code { (invitation.code) } }
        }
        div.fd-qr role="img" aria-label=(invitation.link()) { (PreEscaped(&invitation.drawn)) }
    } }
}

/// A QR code as an SVG element.
fn drawn(code: &QrCode) -> String {
    let document = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    document.find("<svg").map_or(String::new(), |at| document[at..].to_owned())
}
