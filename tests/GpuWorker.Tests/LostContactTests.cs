namespace Framelease.GpuWorker.Tests;

public sealed class LostContactTests
{
    [Theory]
    [InlineData(300, 20, 10)]
    [InlineData(60, 15, 10)]
    [InlineData(10, 2.5, 2.5)]
    [InlineData(2, 0.5, 0.5)]
    [InlineData(0, 0.5, 0.5)]
    public void A_holder_tries_at_least_four_times_in_a_heartbeat_timeout(int timeout, double pause, double call)
    {
        LostContact.Pause(timeout).ShouldBe(TimeSpan.FromSeconds(pause));
        LostContact.Call(timeout).ShouldBe(TimeSpan.FromSeconds(call));
    }
}
