using Framelease.Domain.Tasks;
using Framelease.Operator.Ledger;
using Framelease.Operator.Tasks;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Tasks;

/// <summary>When a task with a deadline is looked at again: the pure part of its lifetime, which asks nobody.</summary>
public sealed class OverdueTaskTests
{
    static readonly TaskState WithDeadline = Given.Task((TaskAccepted)Given.Accepted()[0] with { ActiveDeadlineSeconds = 60 }, new TaskAdmitted());

    readonly TaskLifetime _lifetime = new(null!, null!);

    [Fact]
    public async Task A_task_is_looked_at_again_at_its_deadline_and_one_without_never() =>
        (await AgainAsync(WithDeadline, 15), await AgainAsync(Given.Task(Given.Accepted()), 15)).ShouldBe((TimeSpan.FromSeconds(45), null));

    [Fact]
    public async Task One_whose_end_was_refused_is_looked_at_again_in_a_while_and_not_at_once_for_ever() =>
        (await AgainAsync(WithDeadline with { HasUnknownEvents = true }, 61)).ShouldBe(TimeSpan.FromSeconds(5));

    Task<TimeSpan?> AgainAsync(TaskState state, int seconds) =>
        _lifetime.KeepAsync(new VideoTask(), new Loaded<TaskState>(state, 2, Given.At.AddSeconds(seconds)), default);
}
