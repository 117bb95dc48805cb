using System.Text;
using System.Text.Json.Nodes;
using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Events;

public sealed class EventRegistryTests
{
    static object Read(EventRegistry registry, string name, int version, string json) => registry.Deserialize(name, version, Encoding.UTF8.GetBytes(json));

    [Theory]
    [InlineData("JobQueued", "job_queued")]
    [InlineData("AEvent", "a_event")]
    [InlineData("GPUWorkerStarted", "gpu_worker_started")]
    [InlineData("HTTP2Enabled", "http2_enabled")]
    [InlineData("JobV2Started", "job_v2_started")]
    [InlineData("JobFailed2", "job_failed_2")]
    [InlineData("K8sPodLost", "k_8s_pod_lost")]
    [InlineData("Job_Started", "job___started")]
    public void The_alias_of_a_class_is_Martens(string className, string alias) => EventAlias.Of(className).ShouldBe(alias);

    [Fact]
    public void A_name_that_the_class_does_not_have_for_Marten_is_refused_with_the_right_one() =>
        Should.Throw<ArgumentException>(() => new EventRegistry().Register<ParcelSorted>("parcel_filed")).Message.ShouldContain("'parcel_sorted'");

    [Fact]
    public void A_name_or_a_class_is_declared_once() =>
        Should.Throw<ArgumentException>(() => Parcels.Registry().Register<Other.ParcelSorted>("parcel_sorted")).Message.ShouldContain("declared twice");

    [Fact]
    public void Every_older_version_needs_its_upcaster()
    {
        var registry = new EventRegistry().Register<ParcelAccepted>("parcel_accepted", 3).Upcast("parcel_accepted", 1, o => o);
        Should.Throw<ArgumentException>(registry.Validate).Message.ShouldContain("no upcaster from version 2");
        Should.Throw<ArgumentException>(new EventRegistry().Upcast("nobody", 1, o => o).Validate).Message.ShouldContain("leads to no declared version");
    }

    [Fact]
    public void Upcasters_lead_old_data_through_every_version()
    {
        var registry = new EventRegistry()
            .Register<ParcelAccepted>("parcel_accepted", 3)
            .Upcast("parcel_accepted", 1, o => new JsonObject { ["from"] = o["name"]!.DeepClone(), ["kilos"] = o["kilos"]!.DeepClone() })
            .Upcast("parcel_accepted", 2, o => new JsonObject { ["sender"] = o["from"]!.DeepClone(), ["grams"] = (int)o["kilos"]! * 1000, ["size"] = "Letter" });
        registry.Validate();
        Read(registry, "parcel_accepted", 1, """{"name":"A","kilos":2}""").ShouldBe(new ParcelAccepted("A", 2000, ParcelSize.Letter));
        Read(registry, "parcel_accepted", 2, """{"from":"B","kilos":3}""").ShouldBe(new ParcelAccepted("B", 3000, ParcelSize.Letter));
        Read(registry, "parcel_accepted", 3, """{"sender":"C","grams":4,"size":"Box"}""").ShouldBe(new ParcelAccepted("C", 4, ParcelSize.Box));
    }

    [Theory]
    [InlineData("parcel_vanished", 1, "{}", "not a declared name")]
    [InlineData("parcel_sorted", 2, "{}", "newer than the declared version 1")]
    [InlineData("parcel_sorted", 1, """{"chute":"three"}""", "does not fit")]
    [InlineData("parcel_sorted", 1, "null", "null")]
    public void What_cannot_be_read_is_an_unknown_event_and_never_an_exception(string name, int version, string json, string reason)
    {
        var unknown = Read(Parcels.Registry(), name, version, json).ShouldBeOfType<UnknownEvent>();
        unknown.Reason.ShouldContain(reason);
    }

    [Fact]
    public void Additions_by_a_newer_program_of_the_same_version_are_ignored() =>
        Read(Parcels.Registry(), "parcel_sorted", 1, """{"chute":3,"colour":"red"}""").ShouldBe(new ParcelSorted(3));

    [Fact]
    public void The_data_version_travels_in_the_headers_only_above_1()
    {
        EventHeaders.Write(EventHeaders.None, 1).ShouldBeNull();
        var (headers, version) = EventHeaders.Read(EventHeaders.Write(new Dictionary<string, string> { ["a"] = "b" }, 2));
        version.ShouldBe(2);
        headers.ShouldBe([new("a", "b")]);
        EventHeaders.Read("""{"n": 5, "o": {"p": null}}""").Headers.ShouldBe([new("n", "5"), new("o", """{"p": null}""")]);
    }

    public static class Other
    {
        public sealed record ParcelSorted(int X);
    }
}
