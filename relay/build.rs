//! Embeds the built pages.

fn main() {
    memory_serve::load_directory("../web/dist");
}
