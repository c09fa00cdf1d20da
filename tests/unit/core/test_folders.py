"""Folders that are built once, while other processes do the same."""

from hybrid_embeddings.models.folders import built_folder


def write(text):
    return lambda draft: (draft / "file").write_text(text, encoding="utf-8")


def test_drafts_of_others_that_vanish_meanwhile_do_no_harm(tmp_path):
    (tmp_path / "draft-другого").symlink_to(tmp_path / "gone")  # listed, but not there any more when it is looked at
    assert (built_folder(tmp_path / "место", write("a")) / "file").read_text(encoding="utf-8") == "a"


def test_what_another_process_has_finished_first_stays(tmp_path):
    target = tmp_path / "место"

    def slower(draft):
        built_folder(target, write("first"))
        write("second")(draft)

    assert (built_folder(target, slower) / "file").read_text(encoding="utf-8") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["место"]
