//! The memory that is left for new processes: that of the machine, or less where a control group limits it.

use std::fs;
use std::path::Path;

use sysinfo::System;

/// A limit from which on it is none: version 1 of control groups writes a number near 2^63 there.
const NO_LIMIT: u64 = 1 << 60;

/// The memory that is left, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeMemory {
    /// The bytes; 0 where the system does not tell.
    pub bytes: u64,
    /// True if a control group of this process leaves less than the machine.
    pub is_limited: bool,
}

/// Returns the memory that is left now.
pub fn free_memory() -> FreeMemory {
    let mut system = System::new();
    system.refresh_memory();
    let machine = system.available_memory();
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    match left_by_groups(Path::new("/sys/fs/cgroup"), &groups) {
        Some(bytes) if bytes < machine => FreeMemory { bytes, is_limited: true },
        _ => FreeMemory { bytes: machine, is_limited: false },
    }
}

/// The memory that the control groups of a process leave, in bytes: a limit holds for all groups inside of its own.
/// None without a limit. `groups` is `/proc/PID/cgroup`: `0::/path` in version 2, `4:memory:/path` in version 1.
fn left_by_groups(root: &Path, groups: &str) -> Option<u64> {
    let of_line = |line: &str| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (root, names) = if controllers.is_empty() {
            (root.to_owned(), ["memory.max", "memory.current", ""])
        } else if controllers.split(',').any(|controller| controller == "memory") {
            let names = ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_"];
            (root.join("memory"), names)
        } else {
            return None;
        };
        let group = root.join(path.trim_start_matches('/'));
        let up = group.ancestors().take_while(|at| at.starts_with(&root));
        up.filter_map(|group| left(group, names)).min()
    };
    groups.lines().filter_map(of_line).min()
}

/// The memory that one group leaves, by its files: the limit, the usage, and what comes before the names in its
/// statistics. None without a limit. The usage counts cached files, which the system gives back when it has to.
fn left(group: &Path, [limit, usage, of_all]: [&str; 3]) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
    let limit = number(limit).filter(|limit| *limit < NO_LIMIT)?;
    let statistics = read("memory.stat").unwrap_or_default();
    let cached = statistics.lines().filter_map(|line| line.strip_prefix(of_all)?.split_once(' '));
    let cached = cached.filter(|(name, _)| ["active_file", "inactive_file"].contains(name));
    let cached: u64 = cached.filter_map(|(_, bytes)| bytes.parse::<u64>().ok()).sum();
    Some(limit.saturating_sub(number(usage)?.saturating_sub(cached)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Control groups: each a folder, the names of its files and their contents.
    fn groups(of: &[(&str, [&str; 3], [&str; 3])]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("writable");
        for (folder, names, values) in of {
            fs::create_dir_all(root.path().join(folder)).expect("writable");
            for (name, value) in names.iter().zip(values) {
                fs::write(root.path().join(folder).join(name), value).expect("writable");
            }
        }
        root
    }

    #[test]
    fn the_narrowest_group_around_a_process_limits_it() {
        let second = ["memory.max", "memory.current", "memory.stat"];
        let cached = "anon 40\ninactive_file 30\nactive_file 20\n";
        let root = groups(&[
            ("slice", second, ["1000\n", "450\n", cached]),
            ("slice/lesson", second, ["max\n", "300\n", ""]),
            ("slice/lesson/inner", second, ["900\n", "250\n", cached]),
        ]);
        let left = |groups: &str| left_by_groups(root.path(), groups);
        assert_eq!(left("0::/slice/lesson/inner\n"), Some(600), "the outer group is fuller");
        assert_eq!(left("0::/slice/lesson\n"), Some(600));
        assert_eq!(left("0::/\n"), None);
        assert_eq!(left(""), None);
    }

    #[test]
    fn groups_of_version_1_are_read_too() {
        let first = ["memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"];
        let cached = "inactive_file 7\ntotal_inactive_file 30\ntotal_active_file 10\n";
        let root = groups(&[
            ("memory", first, ["9223372036854771712\n", "5\n", ""]),
            ("memory/jail", first, ["300\n", "320\n", cached]),
            ("memory/full", first, ["300\n", "320\n", ""]),
        ]);
        let left = |groups: &str| left_by_groups(root.path(), groups);
        assert_eq!(left("8:pids:/x\n4:cpuset,memory:/jail\n1:cpu:/jail\n"), Some(20));
        assert_eq!(left("4:memory:/full\n"), Some(0));
        assert_eq!(left("4:memory:/\n"), None);
        assert_eq!(left("8:pids:/jail\n"), None);
    }
}
