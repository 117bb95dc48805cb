using Framelease.GpuWorker.Attempts;

namespace Framelease.GpuWorker.Tests.Attempts;

/// <summary>Which order is in force, and when a long grace ends early.</summary>
public sealed class StopOrdersTests : IDisposable
{
    readonly StopOrders _orders = new();

    public void Dispose() => _orders.Dispose();

    [Fact]
    public void A_first_stop_has_its_grace()
    {
        Give(StopKind.Stopped, 60);
        (_orders.Token.IsCancellationRequested, _orders.Urgent.IsCancellationRequested).ShouldBe((true, false));
    }

    [Fact]
    public void A_stop_for_lost_contact_has_its_grace_when_it_is_the_first()
    {
        Give(StopKind.LostContact, 15);
        (_orders.Token.IsCancellationRequested, _orders.Urgent.IsCancellationRequested).ShouldBe((true, false));
    }

    [Fact]
    public void Lost_contact_ends_the_long_grace_of_an_earlier_stop()
    {
        Give(StopKind.Stopped, 3600);
        Give(StopKind.LostContact, 15);
        _orders.Urgent.IsCancellationRequested.ShouldBeTrue();
        _orders.Current!.Kind.ShouldBe(StopKind.LostContact);
    }

    [Theory]
    [InlineData(nameof(StopKind.Terminated))]
    [InlineData(nameof(StopKind.Stale))]
    public void The_end_of_the_pod_and_another_holder_are_urgent_at_once(string kind)
    {
        Give(Enum.Parse<StopKind>(kind), 2);
        _orders.Urgent.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public void A_weaker_or_equal_order_changes_nothing()
    {
        Give(StopKind.LostContact, 15);
        Give(StopKind.LostContact, 3600);
        Give(StopKind.Stopped, 3600);
        _orders.Current.ShouldBe(new StopOrder(StopKind.LostContact, TimeSpan.FromSeconds(15), "test"));
        _orders.Urgent.IsCancellationRequested.ShouldBeFalse();
    }

    void Give(StopKind kind, int grace) => _orders.Give(new StopOrder(kind, TimeSpan.FromSeconds(grace), "test"));
}
