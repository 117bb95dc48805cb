using Framelease.Operator.WorkerApi;

namespace Framelease.Operator.Tests.WorkerApi;

public sealed class AttemptCredentialTests
{
    readonly AttemptCredential _credential = new([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);

    [Fact]
    public void A_credential_gives_back_the_fence_that_it_was_issued_for() =>
        _credential.Verify(_credential.Issue(Given.Fence())).ShouldBe(Given.Fence());

    [Fact]
    public void A_credential_of_another_key_opens_nothing() =>
        _credential.Verify(new AttemptCredential(new byte[32]).Issue(Given.Fence())).ShouldBeNull();

    [Fact]
    public void Every_changed_character_makes_a_credential_worthless()
    {
        var good = _credential.Issue(Given.Fence());
        for (var i = 0; i < good.Length; i++)
        {
            var changed = good[..i] + (good[i] == 'x' ? 'y' : 'x') + good[(i + 1)..];
            var fence = _credential.Verify(changed);
            // The last character of a base64url group carries unused bits: such a text is the same bytes, not another fence.
            if (fence is not null)
                fence.ShouldBe(Given.Fence());
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("fla1.")]
    [InlineData("fla1.a.b")]
    [InlineData("fla1.!!!.???")]
    [InlineData("Bearer x")]
    public void Rubbish_is_no_credential(string? text) => _credential.Verify(text).ShouldBeNull();

    [Fact]
    public void An_endless_text_is_no_credential() => _credential.Verify("fla1." + new string('a', 100_000)).ShouldBeNull();
}
