using Framelease.Operator.WorkerApi;

namespace Framelease.Operator.Tests.WorkerApi;

public sealed class HolderCredentialTests
{
    static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    static readonly HolderFence Fence = new(Given.LeaseUid, "holder-1", 7);
    readonly HolderCredential _credential = new(Key);

    [Fact]
    public void A_credential_gives_back_the_fence_that_it_was_issued_for() => _credential.Verify(_credential.Issue(Fence)).ShouldBe(Fence);

    [Fact]
    public void A_credential_of_another_key_opens_nothing() => _credential.Verify(new HolderCredential(new byte[32]).Issue(Fence)).ShouldBeNull();

    [Fact]
    public void Neither_kind_of_credential_stands_for_the_other()
    {
        var attempts = new AttemptCredential(Key);
        attempts.Verify(_credential.Issue(Fence)).ShouldBeNull();
        attempts.Verify("fla1." + _credential.Issue(Fence)["flh1.".Length..]).ShouldBeNull();
        _credential.Verify("flh1." + attempts.Issue(Given.Fence())["fla1.".Length..]).ShouldBeNull();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("flh1.")]
    [InlineData("flh1.a.b")]
    [InlineData("flh1.!!!.???")]
    public void Rubbish_is_no_credential(string? text) => _credential.Verify(text).ShouldBeNull();
}
