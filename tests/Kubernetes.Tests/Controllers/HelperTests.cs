// Conditions, finalizers and owner references.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;

namespace Framelease.Kubernetes.Tests.Controllers;

public sealed class HelperTests
{
    static readonly DateTimeOffset Early = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero), Late = Early.AddHours(1);

    [Fact]
    public void A_transition_time_moves_only_with_the_status()
    {
        var conditions = Conditions.Set(null, "Ready", "False", "Starting", "", Early);
        conditions = Conditions.Set(conditions, "Ready", "False", "StillStarting", "soon", Late);
        conditions.Single().ShouldBe(new Condition("Ready", "False", "StillStarting", "soon", Early));
        Conditions.Set(conditions, "Ready", "True", "Started", "", Late).Single().LastTransitionTime.ShouldBe(Late);
    }

    [Fact]
    public void A_condition_that_is_the_same_gives_the_same_list_and_others_stay_in_place()
    {
        var conditions = Conditions.Set(Conditions.Set(null, "A", "True", "R", "", Early), "B", "True", "R", "", Early);
        Conditions.Set(conditions, "A", "True", "R", "", Late).ShouldBeSameAs(conditions);
        Conditions.Set(conditions, "A", "False", "R", "", Late).Select(c => c.Type).ShouldBe(["A", "B"]);
        Conditions.IsTrue(conditions, "B").ShouldBeTrue();
        Conditions.IsFalse(conditions, "C").ShouldBeFalse();
    }

    [Fact]
    public async Task A_finalizer_is_added_once_and_removed_once()
    {
        var client = new MemoryClient();
        var made = await client.CreateAsync(new ConfigMap { Metadata = new() { Name = "a", Namespace = "default", Finalizers = ["other/x"] } });
        var with = await client.AddFinalizerAsync(made, "mine/x", default);
        with.Metadata.Finalizers.ShouldBe(["other/x", "mine/x"]);
        (await client.AddFinalizerAsync(with, "mine/x", default)).ShouldBeSameAs(with);
        var without = await client.RemoveFinalizerAsync(with, "mine/x", default);
        without!.Metadata.Finalizers.ShouldBe(["other/x"]);
        (await client.RemoveFinalizerAsync(without, "mine/x", default)).ShouldBeSameAs(without);
    }

    [Fact]
    public async Task A_finalizer_is_not_written_over_another_writers_list()
    {
        var client = new MemoryClient();
        var made = await client.CreateAsync(new ConfigMap { Metadata = new() { Name = "a", Namespace = "default" } });
        await client.AddFinalizerAsync(made, "theirs/x", default);
        (await Should.ThrowAsync<KubernetesException>(() => client.AddFinalizerAsync(made, "mine/x", default))).IsConflict.ShouldBeTrue();
    }

    [Fact]
    public async Task Removing_a_finalizer_of_an_object_that_is_gone_is_no_error()
    {
        var client = new MemoryClient();
        var made = await client.CreateAsync(new ConfigMap { Metadata = new() { Name = "a", Namespace = "default", Finalizers = ["mine/x"] } });
        await client.DeleteAsync<ConfigMap>("a", "default");
        (await client.RemoveFinalizerAsync(made, "mine/x", default)).ShouldBeNull();
    }

    [Fact]
    public void An_owner_reference_names_the_very_object()
    {
        var owner = new ConfigMap { Metadata = new() { Name = "o", Namespace = "ns", Uid = "u1" } };
        var reference = OwnerReferences.To(owner);
        reference.ShouldBe(new OwnerReference("v1", "ConfigMap", "o", "u1", true, true));
        var pod = new Pod { Metadata = new() { Name = "p", Namespace = "ns", OwnerReferences = [reference] } };
        pod.IsControlledBy(owner).ShouldBeTrue();
        pod.ControllerOf(ResourceRef.Of<ConfigMap>()).ShouldBe(new ObjectKey("ns", "o"));
        pod.ControllerOf(ResourceRef.Of<Secret>()).ShouldBeNull();
        Should.Throw<ArgumentException>(() => OwnerReferences.To(new ConfigMap { Metadata = new() { Name = "unsaved" } }));
    }
}
