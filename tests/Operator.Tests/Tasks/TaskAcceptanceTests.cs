using System.Text.Json;
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

    static TaskAcceptance.Outcome Check(VideoTask task, Engine[]? engines = null, Tenant[]? tenants = null, GpuPool[]? pools = null, string[]? roots = null) =>
        TaskAcceptance.Check(task, engines ?? [Engine], tenants ?? [Acme], pools ?? [Pool], roots ?? []);

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

    static string Waits(TaskAcceptance.Outcome outcome) => outcome.ShouldBeOfType<TaskAcceptance.Outcome.Waits>().Obstacle.Reason;

    static Dictionary<string, JsonElement> Parameters(params (string Name, string Json)[] values) =>
        values.ToDictionary(v => v.Name, v => JsonDocument.Parse(v.Json).RootElement.Clone(), StringComparer.Ordinal);
}
