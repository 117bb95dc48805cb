using Framelease.Cli.Leases;
using Framelease.Resources;

namespace Framelease.Cli.Tests.Leases;

public sealed class GrantStepTests
{
    [Theory]
    [InlineData("PoolNotFound")]
    [InlineData("TenantNotAllowed")]
    [InlineData("PriorityBoostTooHigh")]
    [InlineData("OutOfBounds")]
    [InlineData("TermsInvalid")]
    [InlineData("Unschedulable")]
    public void What_waiting_does_not_mend_is_a_refusal(string reason) =>
        Of("Pending", reason, "do this").ShouldBeOfType<GrantStep.Refused>().Why.ShouldBe($"{reason}: do this");

    [Theory]
    [InlineData("WaitingForSlot")]
    [InlineData("TenantAtLimit")]
    [InlineData("NoDevices")]
    [InlineData("AllQuarantined")]
    public void What_time_may_mend_is_waited_for(string reason) =>
        Of("Pending", reason, "position 2; …").ShouldBeOfType<GrantStep.Waiting>().Text.ShouldBe($"{reason}: position 2; …");

    [Fact]
    public void A_lease_that_nobody_has_looked_at_waits_without_a_word() =>
        GrantStep.Of(new GpuLease()).ShouldBeOfType<GrantStep.Waiting>().Text.ShouldBeEmpty();

    [Fact]
    public void A_grant_says_what_was_granted() => GrantStep.Of(new GpuLease
    {
        Status = new GpuLeaseStatus { State = "Granted", Node = "n", Device = "d", Slot = 1, Token = 7 },
    }).ShouldBe(new GrantStep.Granted("n", "d", 1, 7));

    [Fact]
    public void Who_waited_long_enough_gives_up() => Of("GaveUp", "MaxWaitExceeded", "…").ShouldBeOfType<GrantStep.GaveUp>();

    [Fact]
    public void A_lease_that_ended_is_no_lease() => Of("Quarantined", "Revoked", "…").ShouldBeOfType<GrantStep.Refused>().Why.ShouldContain("Quarantined");

    static GrantStep Of(string state, string reason, string message) =>
        GrantStep.Of(new GpuLease { Status = new GpuLeaseStatus { State = state, Reason = reason, Message = message } });
}
