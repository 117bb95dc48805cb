using System.Text.Json;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Tasks;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Tasks;

public sealed class TaskAcceptanceTests
{
    static readonly Engine Engine = new()
    {
        Metadata = new ObjectMeta { Name = "ffmpeg-transcode" },
        Spec = new EngineSpec
        {
            Image = "framelease/worker:1",
            Driver = EngineDriver.FfmpegTranscode,
            Parameters =
            [
                new EngineParameter { Name = "codec", Type = ParameterType.Enum, Values = ["h264", "vp9"], Default = "h264" },
                new EngineParameter { Name = "crf", Type = ParameterType.Integer, Minimum = 0, Maximum = 63 },
                new EngineParameter { Name = "bitrateKbps", Type = ParameterType.Integer, Minimum = 50, Maximum = 200000 },
            ],
        },
    };

    static readonly Tenant Acme = new() { Metadata = new ObjectMeta { Name = "acme" }, Spec = new TenantSpec { Namespaces = ["default"] } };
    static readonly GpuPool Pool = new() { Metadata = new ObjectMeta { Name = "default" } };

    static VideoTask Task(Func<VideoTaskSpec, VideoTaskSpec>? change = null, string ns = "default")
    {
        var spec = new VideoTaskSpec { Engine = "ffmpeg-transcode", Input = new VideoInput { Object = "inputs/clip.mp4" } };
        return new VideoTask { Metadata = new ObjectMeta { Name = "clip", Namespace = ns, Uid = Given.TaskUid }, Spec = change?.Invoke(spec) ?? spec };
    }

    static TaskAcceptance.Outcome Check(
        VideoTask task, Engine[]? engines = null, Tenant[]? tenants = null, GpuPool[]? pools = null, string[]? roots = null,
        Dictionary<string, TaskState>? known = null) =>
        TaskAcceptance.Check(task, engines ?? [Engine], tenants ?? [Acme], pools ?? [Pool], roots ?? [], known ?? []);

    [Fact]
    public void A_good_task_is_accepted_with_the_engines_defaults_for_the_tenant_of_its_namespace()
    {
        var accepted = Check(Task()).ShouldBeOfType<TaskAcceptance.Outcome.Accepted>().Event;
        (accepted.Tenant, accepted.Parameters["codec"], accepted.NeedsLease, accepted.Pool).ShouldBe(("acme", "h264", true, "default"));
    }

    [Fact]
    public void What_is_missing_may_still_come_and_is_waited_for()
    {
        Waits(Check(Task(), engines: [])).ShouldBe("EngineNotFound");
        Waits(Check(Task(), pools: [])).ShouldBe("PoolNotFound");
        Waits(Check(Task(), tenants: [])).ShouldBe("TenantNotAllowed");
        Waits(Check(Task(ns: "elsewhere"))).ShouldBe("TenantNotAllowed");
    }

    [Fact]
    public void A_namespace_that_two_tenants_name_belongs_to_none() =>
        Waits(Check(Task(), tenants: [Acme, Acme with { Metadata = new ObjectMeta { Name = "other" } }])).ShouldBe("TenantNotAllowed");

    [Fact]
    public void A_task_cannot_declare_itself_another_tenants() =>
        Waits(Check(Task(s => s with { Tenant = "rich" }))).ShouldBe("TenantNotAllowed");

    [Theory]
    [InlineData("crf", "64")]
    [InlineData("crf", "\"high\"")]
    [InlineData("crf", "1.5")]
    [InlineData("crf", "true")]
    [InlineData("crf", "99999999999999999999")]
    [InlineData("codec", "\"mpeg1\"")]
    [InlineData("codec", "264")]
    [InlineData("nosuch", "1")]
    public void A_wrong_parameter_is_refused_for_good_naming_itself(string name, string json)
    {
        var refused = Check(Task(s => s with { Parameters = Parameters((name, json)) })).ShouldBeOfType<TaskAcceptance.Outcome.Refused>();
        refused.Reason.ShouldBe("ParameterInvalid");
        refused.Message.ShouldContain($"parameters.{name}");
    }

    [Fact]
    public void Two_parameters_that_exclude_each_other_are_refused() =>
        Check(Task(s => s with { Parameters = Parameters(("crf", "20"), ("bitrateKbps", "500")) })).ShouldBeOfType<TaskAcceptance.Outcome.Refused>();

    [Theory]
    [InlineData("file:///etc/passwd", "InputNotAllowed")]
    [InlineData("file:///videos/../etc/passwd", "InputNotAllowed")]
    [InlineData("file:///videos2/a.mp4", "InputNotAllowed")]
    [InlineData("file://host/videos/a.mp4", "InputNotAllowed")]
    [InlineData("ftp://host/a.mp4", "InputInvalid")]
    [InlineData("concat:/videos/a|/videos/b", "InputInvalid")]
    [InlineData("subfile,,start,0,end,0,,:/etc/passwd", "InputInvalid")]
    [InlineData("not a uri", "InputInvalid")]
    public void An_input_that_is_not_allowed_is_refused(string uri, string reason)
    {
        var task = Task(s => s with { Input = new VideoInput { Uri = uri } });
        Check(task, roots: ["/videos"]).ShouldBeOfType<TaskAcceptance.Outcome.Refused>().Reason.ShouldBe(reason);
    }

    [Theory]
    [InlineData("/inputs/a.mp4")]
    [InlineData("inputs/../secret")]
    [InlineData("inputs//a")]
    [InlineData("a\nb")]
    public void An_object_key_that_is_none_is_refused(string key) =>
        Check(Task(s => s with { Input = new VideoInput { Object = key } })).ShouldBeOfType<TaskAcceptance.Outcome.Refused>().Reason.ShouldBe("InputInvalid");

    [Fact]
    public void The_hash_of_a_spec_does_not_depend_on_the_order_of_its_parameters()
    {
        var one = Task(s => s with { Parameters = Parameters(("crf", "20"), ("codec", "\"vp9\"")) }).Spec;
        var two = Task(s => s with { Parameters = Parameters(("codec", "\"vp9\""), ("crf", "20")) }).Spec;
        TaskAcceptance.HashOf(one).ShouldBe(TaskAcceptance.HashOf(two));
        TaskAcceptance.HashOf(one).ShouldNotBe(TaskAcceptance.HashOf(one with { BackoffLimit = 1 }));
    }

    [Fact]
    public void What_may_change_of_a_spec_is_not_in_its_hash()
    {
        var spec = Task().Spec;
        TaskAcceptance.HashOf(spec with { Suspend = true, Cancel = true, TtlSecondsAfterFinished = 7 }).ShouldBe(TaskAcceptance.HashOf(spec));
        TaskAcceptance.HashOf(spec with { Scenes = [new VideoScene()] }).ShouldNotBe(TaskAcceptance.HashOf(spec));
    }

    [Fact]
    public void Each_scene_has_its_own_input_and_parameters_on_top_of_the_tasks()
    {
        var accepted = Check(Task(s => s with
        {
            Parameters = Parameters(("codec", "\"vp9\""), ("crf", "20")),
            Scenes =
            [
                new VideoScene(),
                new VideoScene { Input = new VideoInput { Object = "inputs/b.mp4" }, Parameters = Parameters(("crf", "30")) },
            ],
        })).ShouldBeOfType<TaskAcceptance.Outcome.Accepted>().Event;
        accepted.Scenes.ShouldBe(2);
        Enumerable.Range(0, 2).Select(accepted.WorkOf).Select(w => (w.Input.Object, w.Parameters["codec"], w.Parameters["crf"]))
            .ShouldBe([("inputs/clip.mp4", "vp9", "20"), ("inputs/b.mp4", "vp9", "30")]);
    }

    [Fact]
    public void What_is_wrong_with_a_scene_is_said_of_that_scene()
    {
        Refused(new VideoScene { Parameters = Parameters(("crf", "64")) }).ShouldStartWith("spec.scenes[1]: ");
        Refused(new VideoScene { Input = new VideoInput { Object = "/etc" } }).ShouldStartWith("spec.scenes[1].input.object: ");
        Refused(new VideoScene { Prompt = "a cat" }).ShouldContain("parameters.prompt");
        Refused(new VideoScene { Prompt = "a cat", Parameters = Parameters(("prompt", "\"a dog\"")) }).ShouldContain("exclude each other");
        Check(Task(s => s with { Input = null, Scenes = [new VideoScene()] })).ShouldBeOfType<TaskAcceptance.Outcome.Refused>().Message
            .ShouldStartWith("spec.scenes[0].input: ");

        static string Refused(VideoScene second) => Check(Task(s => s with { Scenes = [new VideoScene(), second] }))
            .ShouldBeOfType<TaskAcceptance.Outcome.Refused>().Message;
    }

    [Fact]
    public void The_prompt_of_a_scene_is_the_engines_parameter_of_that_name()
    {
        var painter = Engine with
        {
            Spec = Engine.Spec with { Parameters = [new EngineParameter { Name = "prompt", Type = ParameterType.String }] },
        };
        Check(Task(s => s with { Scenes = [new VideoScene { Prompt = "a cat" }] }), engines: [painter])
            .ShouldBeOfType<TaskAcceptance.Outcome.Accepted>().Event.WorkOf(0).Parameters["prompt"].ShouldBe("a cat");
    }

    [Fact]
    public void Another_tasks_output_is_waited_for_and_is_then_the_input()
    {
        var task = Task(s => s with { Input = new VideoInput { Task = "first" } });
        Waits(Check(task)).ShouldBe("TaskNotFound");
        Waits(Check(task, known: Known(Given.Accepted()))).ShouldBe("WaitingForTask");
        var accepted = Check(task, known: Known(Succeeded)).ShouldBeOfType<TaskAcceptance.Outcome.Accepted>().Event;
        (accepted.Input.Object, accepted.Input.TaskUid).ShouldBe((Given.Result().Key, Given.TaskUid));
    }

    [Fact]
    public void A_task_whose_input_will_never_be_is_refused()
    {
        Refused(new VideoInput { Task = "first" }, [.. Given.Accepted(), new TaskFailed("OutOfMemory", "it was large")]).ShouldBe("InputTaskFailed");
        Refused(new VideoInput { Task = "first", Scene = 1 }, Succeeded).ShouldBe("InputInvalid");
        ITaskEvent[] several =
        [
            (TaskAccepted)Given.Accepted()[0] with { Scenes = 2 }, new TaskAdmitted(), new SceneQueued(0, 1, 0), new SceneQueued(1, 1, 0),
            new SceneCommitted(0, 1, "pod", 7, Given.Result()), new SceneCommitted(1, 1, "pod", 8, Given.Result() with { Key = "two" }), new TaskSucceeded(),
        ];
        Refused(new VideoInput { Task = "first" }, several).ShouldBe("InputInvalid");
        Check(Task(s => s with { Input = new VideoInput { Task = "first", Scene = 1 } }), known: Known(several))
            .ShouldBeOfType<TaskAcceptance.Outcome.Accepted>().Event.Input.Object.ShouldBe("two");

        static string Refused(VideoInput input, ITaskEvent[] first) =>
            Check(Task(s => s with { Input = input }), known: Known(first)).ShouldBeOfType<TaskAcceptance.Outcome.Refused>().Reason;
    }

    static readonly ITaskEvent[] Succeeded =
    [
        .. Given.Accepted(), new SceneCommitted(0, 1, "pod", 7, Given.Result()),
        new OutputCommitted(Given.Result().Uri, Given.Result().Key, "abc", 42), new TaskSucceeded(),
    ];

    static Dictionary<string, TaskState> Known(ITaskEvent[] first) => new(StringComparer.Ordinal) { ["first"] = Given.Task(first) };

    static string Waits(TaskAcceptance.Outcome outcome) => outcome.ShouldBeOfType<TaskAcceptance.Outcome.Waits>().Obstacle.Reason;

    static Dictionary<string, JsonElement> Parameters(params (string Name, string Json)[] values) =>
        values.ToDictionary(v => v.Name, v => JsonDocument.Parse(v.Json).RootElement.Clone(), StringComparer.Ordinal);
}
