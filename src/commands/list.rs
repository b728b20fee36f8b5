//! `firedrill list`: the catalogue.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;

use firedrill_core::catalogue::Catalogue;
use firedrill_core::incident::manifest::Symptom;

/// Prints the incidents, or those with one symptom, for people or as JSON: the symptoms, and the variants where the
/// answers are asked for.
///
/// # Errors
///
/// When standard output cannot be written to.
pub fn print(
    catalogue: &Catalogue,
    (as_json, answers): (bool, bool),
    symptom: Option<Symptom>,
) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let manifests = catalogue.entries.iter().map(|entry| &entry.manifest);
    let wanted = manifests.filter(|manifest| symptom.is_none_or(|only| manifest.symptom == only));
    if as_json {
        let entries: Vec<_> = wanted.map(describe).collect();
        serde_json::to_writer_pretty(&mut out, &entries)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    for manifest in wanted {
        writeln!(out, "{} ({})", manifest.id, manifest.symptom.word())?;
        writeln!(out, "    {}. {}.", manifest.seen_as(), manifest.summary)?;
        for variant in manifest.variants.iter().filter(|_| answers) {
            writeln!(out, "    {:<10} {}", variant.name, variant.says)?;
        }
        for (name, param) in manifest.params.iter().filter(|_| answers) {
            let set = format!("--set {name}={}", param.value);
            let unit =
                if param.unit.is_empty() { String::new() } else { format!("{}, ", param.unit) };
            writeln!(out, "    {set}  {unit}{}", param.says)?;
        }
        writeln!(out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(manifest: &firedrill_core::incident::Manifest) -> serde_json::Value {
    let variants = manifest.variants.iter();
    let params = manifest.params.iter().map(|(name, param)| {
        json!({
            "name": name, "value": param.value, "unit": param.unit,
            "min": param.min, "max": param.max, "says": param.says,
        })
    });
    json!({
        "id": manifest.id,
        "title": manifest.title,
        "summary": manifest.summary,
        "symptom": manifest.symptom.word(),
        "source": manifest.source,
        "rate_per_s": manifest.load.rate_per_s,
        "duration_s": manifest.duration_s,
        "variants": variants.map(|v| json!({"name": v.name, "says": v.says})).collect::<Vec<_>>(),
        "params": params.collect::<Vec<_>>(),
    })
}
