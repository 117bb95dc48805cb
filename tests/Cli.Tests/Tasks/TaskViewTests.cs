using System.Text.Json.Nodes;
using Framelease.Cli.Tasks;

namespace Framelease.Cli.Tests.Tasks;

public sealed class TaskViewTests
{
    [Fact]
    public void A_task_without_status_is_pending()
    {
        var view = TaskView.Of((JsonObject)JsonNode.Parse("""{"metadata": {"name": "clip"}}""")!);

        view.Phase.ShouldBe("Pending");
        view.Finished.ShouldBeFalse();
    }

    [Fact]
    public void A_running_task_names_attempt_device_and_token() =>
        TaskLine.Of(TaskFixtures.Running()).ShouldBe("Running on soft-0 under token 7 (attempt 2)");

    [Fact]
    public void A_failed_task_says_why_and_how_to_mend_it() =>
        TaskLine.Of(TaskFixtures.Failed()).ShouldBe("Failed: InputNotFound: no such object: put it there");

    [Fact]
    public void A_finished_task_says_where_its_output_is()
    {
        TaskFixtures.Succeeded().Succeeded.ShouldBeTrue();
        TaskLine.Of(TaskFixtures.Succeeded()).ShouldBe("Succeeded: file:///o/out.mp4");
    }

    [Fact]
    public void Of_several_scenes_the_one_that_works_is_shown_and_how_many_are_done()
    {
        var view = TaskView.Of((JsonObject)JsonNode.Parse("""
            {"metadata": {"name": "clip"}, "status": {"phase": "Running", "scenes": [
              {"index": 0, "state": "Committed", "attempt": 1, "device": "gpu-0", "token": 7, "output": {"uri": "file:///o/0.mp4"}},
              {"index": 1, "state": "Queued", "attempt": 1},
              {"index": 2, "state": "Attached", "attempt": 2, "device": "gpu-1", "token": 9}]}}
            """)!);

        TaskLine.Of(view).ShouldBe("Running on gpu-1 under token 9 (attempt 2, 1 of 3 scenes done)");
        view.Outputs.ShouldHaveSingleItem().Uri.ShouldBe("file:///o/0.mp4");
    }

    [Fact]
    public void The_eta_is_what_is_left_at_the_present_pace()
    {
        var progress = TaskFixtures.Progress(500);

        progress.EtaSeconds.ShouldBe(2);
        progress.Describe().ShouldBe("frame 500/1000, 250.0 fps, ETA 2 s");
    }
}
